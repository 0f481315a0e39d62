-- How many conflicts are being merged or wait for a person, and how many operations wait behind them.
SELECT status, count(*) AS conflicts, sum(operation_count) AS operations
FROM conflicts
WHERE status IN ('open', 'parked')
GROUP BY status
