-- $1 workspace id. Holds off every commit to the workspace until the transaction ends. Then the next statement sees all
-- conflicts that there are, and none is opened meanwhile.
SELECT FROM workspaces WHERE workspace_id = $1 FOR NO KEY UPDATE
