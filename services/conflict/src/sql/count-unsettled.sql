-- Number of conflicts of all workspaces that are being merged or wait for a person, and of the operations in and behind
-- them.
SELECT status, conflicts, operations
FROM count_unsettled_conflicts()
