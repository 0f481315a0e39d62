-- $1 workspace ids, $2 collections, $3 document ids, $4 device ids, in fours; $5 workspace ids, $6 conflict ids, in pairs.
-- Finds what these devices have unsettled on these documents, what of theirs was reported last, what else was resolved
-- last, and the conflicts that are named.
SELECT
  c.workspace_id, c.conflict_id, c.collection, c.document_id, c.device_id, c.device_declared, c.status, c.strategy, c.hook,
  c.round, c.base_version, c.current_version, c.ancestor, c.device_view, c.ancestor_view, c.remote_view, c.local_view,
  c.operation_count, c.operation_bytes, c.result, c.overlap_list, c.two_way, c.reason, c.resolved_version, c.resolved_seq, c.refused_entry_id,
  c.revision, c.trace
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k (workspace_id, collection, document_id, device_id)
JOIN conflicts c USING (workspace_id, collection, document_id, device_id)
WHERE c.status IN ('open', 'parked')
UNION ALL
SELECT
  c.workspace_id, c.conflict_id, c.collection, c.document_id, c.device_id, c.device_declared, c.status, c.strategy, c.hook,
  c.round, c.base_version, c.current_version, c.ancestor, c.device_view, c.ancestor_view, c.remote_view, c.local_view,
  c.operation_count, c.operation_bytes, c.result, c.overlap_list, c.two_way, c.reason, c.resolved_version, c.resolved_seq, c.refused_entry_id,
  c.revision, c.trace
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k (workspace_id, collection, document_id, device_id)
CROSS JOIN LATERAL (
  SELECT *
  FROM conflicts p
  WHERE p.workspace_id = k.workspace_id AND p.collection = k.collection AND p.document_id = k.document_id
    AND p.device_id = k.device_id AND p.refused_entry_id IS NOT NULL
  ORDER BY split_part(p.refused_entry_id, '-', 1)::bigint DESC, split_part(p.refused_entry_id, '-', 2)::bigint DESC
  LIMIT 1
) c
UNION ALL
SELECT
  c.workspace_id, c.conflict_id, c.collection, c.document_id, c.device_id, c.device_declared, c.status, c.strategy, c.hook,
  c.round, c.base_version, c.current_version, c.ancestor, c.device_view, c.ancestor_view, c.remote_view, c.local_view,
  c.operation_count, c.operation_bytes, c.result, c.overlap_list, c.two_way, c.reason, c.resolved_version, c.resolved_seq, c.refused_entry_id,
  c.revision, c.trace
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k (workspace_id, collection, document_id, device_id)
CROSS JOIN LATERAL (
  SELECT *
  FROM conflicts p
  WHERE p.workspace_id = k.workspace_id AND p.collection = k.collection AND p.document_id = k.document_id
    AND p.device_id = k.device_id AND p.resolved_version IS NOT NULL AND p.refused_entry_id IS NULL
  ORDER BY p.resolved_version DESC, p.conflict_id DESC
  LIMIT 1
) c
UNION ALL
SELECT
  c.workspace_id, c.conflict_id, c.collection, c.document_id, c.device_id, c.device_declared, c.status, c.strategy, c.hook,
  c.round, c.base_version, c.current_version, c.ancestor, c.device_view, c.ancestor_view, c.remote_view, c.local_view,
  c.operation_count, c.operation_bytes, c.result, c.overlap_list, c.two_way, c.reason, c.resolved_version, c.resolved_seq, c.refused_entry_id,
  c.revision, c.trace
FROM unnest($5::text[], $6::uuid[]) AS k (workspace_id, conflict_id)
JOIN conflicts c USING (workspace_id, conflict_id)
