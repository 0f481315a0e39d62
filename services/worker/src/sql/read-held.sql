-- $1 workspace ids, $2 conflict ids, $3 whether the content is needed, in threes. Reads the runs behind these
-- conflicts, in order.
SELECT h.conflict_id, h.place, h.client_id, octet_length(h.operation::text) AS bytes,
  CASE
    WHEN h.operation ->> 'kind' <> 'create' AND NOT h.operation ? 'versionUnknown'
    THEN nullif((h.operation ->> 'expectedVersion')::bigint, 0)
  END AS rises_to,
  CASE WHEN k.whole THEN h.operation END AS content
FROM unnest($1::text[], $2::uuid[], $3::boolean[]) AS k (workspace_id, conflict_id, whole)
CROSS JOIN LATERAL (
  SELECT *
  FROM held_operations p
  WHERE p.workspace_id = k.workspace_id AND p.conflict_id = k.conflict_id
  OFFSET 0
) h
ORDER BY h.conflict_id, h.place
