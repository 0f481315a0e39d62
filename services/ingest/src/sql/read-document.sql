-- $1 workspace id, $2 collection, $3 document id.
SELECT workspace_id, collection, document_id, version, seq, deleted, data, updated_at
FROM documents
WHERE workspace_id = $1 AND collection = $2 AND document_id = $3
