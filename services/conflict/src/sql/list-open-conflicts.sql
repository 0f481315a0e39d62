-- $1 longest quiet time in milliseconds, $2 most rows. Open conflicts of all workspaces that nothing has happened to for
-- so long, the backoff of their round apart.
SELECT workspace_id, conflict_id, round, trace
FROM list_quiet_conflicts($1, $2)
