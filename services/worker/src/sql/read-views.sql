-- $1 workspace ids, $2 conflict ids, $3 'localView', in threes; $4 most bytes in all, beyond which documents are
-- left out. Reads documents of resolved conflicts' records; no row for any other conflict.
SELECT t.workspace_id, t.conflict_id, t.view, CASE WHEN t.bytes_so_far <= $4 THEN t.data END AS data, false AS deleted,
  t.bytes_so_far > $4 AS left_out
FROM (
  SELECT v.*, sum(octet_length(v.data)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes_so_far
  FROM (
    SELECT k.workspace_id, k.conflict_id, k.view,
      coalesce(c.local_view, '{}')::text AS data
    FROM unnest($1::text[], $2::uuid[], $3::text[]) AS k (workspace_id, conflict_id, view)
    CROSS JOIN LATERAL (
      SELECT p.local_view
      FROM conflicts p
      WHERE p.workspace_id = k.workspace_id AND p.conflict_id = k.conflict_id
      LIMIT 1
    ) c
    OFFSET 0 -- each text is made once
  ) v
) t
