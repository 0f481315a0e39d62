-- $1 workspace ids, $2 batch ids, in pairs. Finds the batches that were committed before.
SELECT b.batch_id, b.results
FROM unnest($1::text[], $2::uuid[]) AS k (workspace_id, batch_id)
CROSS JOIN LATERAL (
  SELECT p.batch_id, p.results
  FROM batches p
  WHERE p.workspace_id = k.workspace_id AND p.batch_id = k.batch_id
  LIMIT 1
) b
