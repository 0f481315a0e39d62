-- $1 workspace id. Blocks every commit to the workspace until the transaction ends. The next statement then sees
-- all conflicts, and none is opened meanwhile.
SELECT FROM workspaces WHERE workspace_id = $1 FOR NO KEY UPDATE
