-- $1 workspace id, $2 collection, $3 document id. The current document, with the timestamp of who wrote it.
SELECT d.version, d.data, (extract(epoch FROM c.client_timestamp) * 1000)::bigint AS timestamp_ms
FROM documents d
LEFT JOIN changes c ON c.workspace_id = d.workspace_id AND c.seq = d.seq
WHERE d.workspace_id = $1 AND d.collection = $2 AND d.document_id = $3
