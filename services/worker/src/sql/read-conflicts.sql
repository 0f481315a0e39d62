-- $1 workspace ids, $2 collections, $3 document ids, $4 device ids, in fours; $5 workspace ids, $6 conflict ids, in
-- pairs.
-- Finds the unresolved conflicts of these devices on these documents, the last reported one, the last otherwise
-- resolved one, and the named conflicts. Reads none of their documents: a record takes up to megabytes, and a batch
-- may touch a hundred. The overlaps of named conflicts are counted.
WITH collided AS MATERIALIZED (
  -- Nearly always empty: one probe instead of three.
  SELECT k.workspace_id, k.collection, k.document_id, k.device_id
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS k (workspace_id, collection, document_id, device_id)
  CROSS JOIN LATERAL (
    SELECT 1
    FROM conflicts c
    WHERE c.workspace_id = k.workspace_id AND c.collection = k.collection AND c.document_id = k.document_id
      AND c.device_id = k.device_id
    LIMIT 1
  ) any_conflict
), wanted AS (
  SELECT c.workspace_id, c.conflict_id
  FROM collided k
  CROSS JOIN LATERAL (
    SELECT p.workspace_id, p.conflict_id
    FROM conflicts p
    WHERE p.workspace_id = k.workspace_id AND p.collection = k.collection AND p.document_id = k.document_id
      AND p.device_id = k.device_id AND p.status IN ('open', 'parked')
    LIMIT 1
  ) c
  UNION
  SELECT c.workspace_id, c.conflict_id
  FROM collided k
  CROSS JOIN LATERAL (
    SELECT p.workspace_id, p.conflict_id
    FROM conflicts p
    WHERE p.workspace_id = k.workspace_id AND p.collection = k.collection AND p.document_id = k.document_id
      AND p.device_id = k.device_id AND p.refused_entry_id IS NOT NULL
    ORDER BY split_part(p.refused_entry_id, '-', 1)::bigint DESC, split_part(p.refused_entry_id, '-', 2)::bigint DESC
    LIMIT 1
  ) c
  UNION
  SELECT c.workspace_id, c.conflict_id
  FROM collided k
  CROSS JOIN LATERAL (
    SELECT p.workspace_id, p.conflict_id
    FROM conflicts p
    WHERE p.workspace_id = k.workspace_id AND p.collection = k.collection AND p.document_id = k.document_id
      AND p.device_id = k.device_id AND p.resolved_version IS NOT NULL AND p.refused_entry_id IS NULL
    ORDER BY p.resolved_version DESC, p.conflict_id DESC
    LIMIT 1
  ) c
  UNION
  SELECT k.workspace_id, k.conflict_id
  FROM unnest($5::text[], $6::uuid[]) AS k (workspace_id, conflict_id)
)
SELECT
  c.workspace_id, c.conflict_id, c.collection, c.document_id, c.device_id, c.device_declared, c.status, c.strategy, c.hook,
  c.round, c.base_version, c.seen_version, c.current_version, c.operation_count, c.operation_bytes,
  CASE WHEN c.conflict_id = ANY ($6) THEN jsonb_array_length(c.overlap_list) END AS overlap_count,
  c.two_way, c.reason, c.resolved_version, c.resolved_seq, c.refused_entry_id, c.revision, c.trace
FROM wanted k
CROSS JOIN LATERAL (
  SELECT *
  FROM conflicts p
  WHERE p.workspace_id = k.workspace_id AND p.conflict_id = k.conflict_id
  LIMIT 1
) c
