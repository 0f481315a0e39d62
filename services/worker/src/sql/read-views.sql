-- $1 workspace ids, $2 conflict ids, $3 'localView' or 'result', in threes. Documents of resolved conflicts' records; nothing
-- where that is none.
SELECT k.workspace_id, k.conflict_id, k.view, coalesce(CASE k.view WHEN 'result' THEN c.result ELSE c.local_view END, '{}') AS data,
  false AS deleted
FROM unnest($1::text[], $2::uuid[], $3::text[]) AS k (workspace_id, conflict_id, view)
CROSS JOIN LATERAL (
  SELECT p.local_view, p.result
  FROM conflicts p
  WHERE p.workspace_id = k.workspace_id AND p.conflict_id = k.conflict_id
  LIMIT 1
) c
