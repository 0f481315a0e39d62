-- $1 workspace ids. Says which workspaces the rest of the transaction may see: what the policies visible go by.
SELECT set_config('syncline.workspaces', $1::text[]::text, true)
