-- $1 longest quiet time in milliseconds, $2 most rows. Open conflicts that nothing has happened to for so long, the
-- longest backoff of their round (1 s doubled, at most 5 min) apart.
SELECT workspace_id, conflict_id, round, trace
FROM conflicts
WHERE status = 'open' AND updated_at < now() - ($1 + CASE
    WHEN round = 1 THEN 0 ELSE least(300000, 1000 * 2 ^ (round - 2)) END) * interval '1 millisecond'
ORDER BY updated_at
LIMIT $2
