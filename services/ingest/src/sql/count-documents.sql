-- $1 workspace id, $2 collections or null for all, $3 most rows. The number of live documents, up to $3.
SELECT count(*) AS count
FROM (
  SELECT
  FROM documents
  WHERE workspace_id = $1 AND NOT deleted AND ($2::text[] IS NULL OR collection = ANY ($2::text[]))
  LIMIT $3::integer
) d
