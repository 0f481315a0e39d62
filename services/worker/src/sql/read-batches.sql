-- $1 workspace ids, $2 batch ids, in pairs. Finds the batches that were committed before.
SELECT b.batch_id, b.results
FROM unnest($1::text[], $2::uuid[]) AS k (workspace_id, batch_id)
JOIN batches b USING (workspace_id, batch_id)
