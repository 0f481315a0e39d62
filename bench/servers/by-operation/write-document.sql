INSERT INTO documents (workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id, run_base_version, updated_at)
VALUES ($1, 'documents', $2, $3::bigint, $4, $5::jsonb IS NULL, $5, $6, $3 - 1, now())
ON CONFLICT (workspace_id, collection, document_id) DO UPDATE SET
  version = excluded.version, seq = excluded.seq, deleted = excluded.deleted, data = excluded.data,
  writer_device_id = excluded.writer_device_id, run_base_version = excluded.run_base_version, updated_at = excluded.updated_at
