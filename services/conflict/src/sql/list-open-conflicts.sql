-- $1 longest quiet time in milliseconds, $2 most rows. Open conflicts whose round began so long ago, the
-- longest backoff of their round (1 s doubled, at most 5 min) apart.
SELECT workspace_id, conflict_id, round, trace
FROM conflicts
WHERE status = 'open' AND round_at < now() - ($1 + CASE
    WHEN round = 1 THEN 0 ELSE least(300000, 1000 * 2 ^ (round - 2)) END) * interval '1 millisecond'
ORDER BY round_at
LIMIT $2
