UPDATE workspaces SET seq = seq + $2 WHERE workspace_id = $1 RETURNING (seq - $2)::int AS seq
