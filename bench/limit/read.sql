-- Reads the operations' current documents. $1 workspace ids, $2 document ids, in pairs.
SELECT p.workspace_id, p.document_id, p.version::int AS version, p.data
FROM unnest($1::text[], $2::text[]) AS k (w, i)
CROSS JOIN LATERAL (
  SELECT d.workspace_id, d.document_id, d.version, d.data
  FROM documents d
  WHERE d.workspace_id = k.w AND d.collection = 'documents' AND d.document_id = k.i
  LIMIT 1
) p
