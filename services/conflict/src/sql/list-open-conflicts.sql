-- $1 longest quiet time in milliseconds, $2 most rows, $3 and $4 the base and the cap of the backoff between rounds in
-- milliseconds. Open conflicts whose round began so long ago, the longest backoff of their round apart.
SELECT workspace_id, conflict_id, round, trace
FROM conflicts
WHERE status = 'open' AND round_at < now() - ($1 + CASE
    WHEN round = 1 THEN 0 ELSE least($4::float8, $3::float8 * 2 ^ (round - 2)) END) * interval '1 millisecond'
ORDER BY round_at
LIMIT $2
