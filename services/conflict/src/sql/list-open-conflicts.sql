-- $1 longest quiet time in milliseconds, $2 most rows. Open conflicts that nothing has happened to for so long.
SELECT workspace_id, conflict_id, round, trace
FROM conflicts
WHERE status = 'open' AND updated_at < now() - $1 * interval '1 millisecond'
ORDER BY updated_at
LIMIT $2
