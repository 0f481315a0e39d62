-- $1 workspace id, $2 since, $3 most rows, $4 collections or null for all
SELECT seq, collection, document_id, version, deleted, data, device_id, committed_at
FROM changes
WHERE workspace_id = $1 AND seq > $2 AND ($4::text[] IS NULL OR collection = ANY ($4::text[]))
ORDER BY seq
LIMIT $3
