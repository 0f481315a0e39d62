-- $1 workspace ids. Sets the visible workspaces for the rest of the transaction: the policies named visible read them.
SELECT set_config('syncline.workspaces', $1::text[]::text, true)
