-- $1 workspace ids, $2 device ids, $3 client ids, in triples; $4 workspace ids, $5 conflict ids, in pairs. Finds
-- the ledger's rows of these operations, and of all held behind these conflicts. The held ones are found by their
-- keys, from the runs: refused operations name the conflict, too, and their number has no bound. The probes are
-- lateral, and kept so by LIMIT and OFFSET, because plain joins were planned as sequential scans.
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
UNION
SELECT
  o.workspace_id, o.device_id, o.client_id, o.batch_id, o.fingerprint, o.operation, o.collection, o.document_id,
  o.status, o.version, o.seq, o.merged, o.decided, o.overlap_count, o.rounds, o.error, o.error_type, o.expected_version,
  o.current_version, o.conflict_id, o.conflict_status, o.subject, o.request_id, o.trace_id,
  (extract(epoch FROM o.accepted_at) * 1000)::bigint AS accepted_at_ms
FROM unnest($4::text[], $5::uuid[]) AS k (workspace_id, conflict_id)
CROSS JOIN LATERAL (
  SELECT p.device_id
  FROM conflicts p
  WHERE p.workspace_id = k.workspace_id AND p.conflict_id = k.conflict_id
  LIMIT 1
) c
CROSS JOIN LATERAL (
  SELECT p.client_id
  FROM held_operations p
  WHERE p.workspace_id = k.workspace_id AND p.conflict_id = k.conflict_id
  OFFSET 0
) h
CROSS JOIN LATERAL (
  SELECT *
  FROM operations p
  WHERE p.workspace_id = k.workspace_id AND p.device_id = c.device_id AND p.client_id = h.client_id
  LIMIT 1
) o
WHERE o.conflict_id = k.conflict_id
