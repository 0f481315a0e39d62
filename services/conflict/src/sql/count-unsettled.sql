-- How many conflicts of all workspaces are being merged or wait for a person, and how many operations wait behind them.
SELECT status, conflicts, operations
FROM count_unsettled_conflicts()
