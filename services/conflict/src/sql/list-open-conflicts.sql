-- $1 longest quiet time in milliseconds, $2 most rows, $3 and $4 the base and the cap of the backoff between rounds in
-- milliseconds, $5 and $6 the time and the id of the last row of the page before. Open conflicts of all workspaces whose
-- round began so long ago, the longest backoff of their round apart.
SELECT workspace_id, conflict_id, round, trace, round_at::text AS round_at
FROM list_stalled_conflicts($1, $2, $3, $4, $5, $6)
