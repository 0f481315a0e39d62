-- $1 workspace id, $2 collection, $3 document id. The current document, with the timestamp of its last write.
SELECT version, data, (extract(epoch FROM client_timestamp) * 1000)::bigint AS timestamp_ms
FROM documents
WHERE workspace_id = $1 AND collection = $2 AND document_id = $3
