-- $1 workspace id, $2 collection and $3 document id to start after, $4 most rows, $5 most bytes of data, $6 collections and
-- $7 document ids, or null for all. The first row
-- is always read. found counts rows up to one more than $4, which tells if there are more.
SELECT workspace_id, collection, document_id, version, seq, data, updated_at, found
FROM (
  SELECT p.*, row_number() OVER in_order AS place, count(*) OVER () AS found,
    sum(p.bytes) OVER in_order - p.bytes AS bytes_before
  FROM (
    SELECT workspace_id, collection, document_id, version, seq, data, updated_at, octet_length(data::text) AS bytes
    FROM documents
    WHERE workspace_id = $1 AND (collection, document_id) > ($2, $3) AND NOT deleted
      AND ($6::text[] IS NULL OR collection = ANY ($6::text[]))
      AND ($7::text[] IS NULL OR document_id = ANY ($7::text[]))
    ORDER BY collection, document_id
    LIMIT $4::integer + 1
  ) p
  WINDOW in_order AS (ORDER BY p.collection, p.document_id)
) d
WHERE place <= $4::integer AND bytes_before < $5::bigint
ORDER BY collection, document_id
