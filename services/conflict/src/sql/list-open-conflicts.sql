-- $1 longest quiet time in milliseconds, $2 most rows, $3 and $4 the base and the cap of the backoff between rounds in
-- milliseconds. Open conflicts of all workspaces whose round began so long ago, the longest backoff of their round apart.
SELECT workspace_id, conflict_id, round, trace
FROM list_quiet_conflicts($1, $2, $3, $4)
