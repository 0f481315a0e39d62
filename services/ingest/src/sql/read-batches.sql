-- $1 workspace ids, $2 batch ids, in pairs.
SELECT b.workspace_id, b.batch_id, b.device_id, b.atomic, b.results,
  (extract(epoch FROM b.drained_at - b.accepted_at) * 1000)::integer AS processing_time_ms
FROM unnest($1::text[], $2::uuid[]) AS k (workspace_id, batch_id)
CROSS JOIN LATERAL (
  SELECT *
  FROM batches p
  WHERE p.workspace_id = k.workspace_id AND p.batch_id = k.batch_id
  LIMIT 1
) b
