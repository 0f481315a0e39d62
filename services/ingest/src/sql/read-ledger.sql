-- $1 workspace ids, $2 device ids, $3 client ids, in triples.
SELECT
  o.workspace_id, o.device_id, o.client_id, o.batch_id, o.fingerprint, o.operation, o.collection, o.document_id,
  o.status, o.version, o.seq, o.merged, o.decided, o.overlap_count, o.rounds, o.error, o.error_type, o.expected_version,
  o.current_version, o.conflict_id, o.conflict_status, o.subject, o.request_id, o.trace_id,
  (extract(epoch FROM o.accepted_at) * 1000)::bigint AS accepted_at_ms
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (workspace_id, device_id, client_id)
CROSS JOIN LATERAL (
  SELECT *
  FROM operations p
  WHERE p.workspace_id = k.workspace_id AND p.device_id = k.device_id AND p.client_id = k.client_id
  LIMIT 1
) o
