INSERT INTO operations (
  workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq, merged,
  expected_version, subject, request_id, accepted_at, settled_at, settled_revision
)
VALUES ($1, $2, $3, $4, 'ZmluZ2VycHJpbnQgb2YgdGhlIG9wZXJhdGlvbiwgNDMgY2g', $5, 'documents', $6, 'success', $7, $8, false, $9, 'user', $10, now(), now(), $8)
