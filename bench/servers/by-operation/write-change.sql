INSERT INTO changes (workspace_id, seq, collection, document_id, first_version, version, deleted, data, device_id, committed_at, revision)
VALUES ($1, $2, 'documents', $3, $4, $4, $5::jsonb IS NULL, $5, $6, now(), $2)
