-- $1 time without an event in milliseconds, $2 most rows, $3 and $4 base and cap of the backoff between rounds in
-- milliseconds, $5 and $6 time and id of the last row of the previous page. Stalled conflicts of all workspaces: open
-- ones whose round began longer ago than $1 plus the longest backoff of the round.
SELECT workspace_id, conflict_id, round, trace, round_at::text AS round_at
FROM list_stalled_conflicts($1, $2, $3, $4, $5, $6)
