-- $1 workspace id, $2 last conflict id of the previous page or null, $3 most rows; filters, null for any: $4 status, $5
-- collection, $6 document id, $7 device id, $8 opened since, $9 opened before.
SELECT
  conflict_id, collection, document_id, device_id, status, strategy, round, base_version, current_version,
  resolved_version, resolved_seq, reason, operation_count, opened_at, updated_at
FROM conflicts
WHERE workspace_id = $1 AND ($2::uuid IS NULL OR conflict_id < $2)
  AND ($4::text IS NULL OR status = $4)
  AND ($5::text IS NULL OR collection = $5)
  AND ($6::text IS NULL OR document_id = $6)
  AND ($7::text IS NULL OR device_id = $7)
  AND ($8::timestamptz IS NULL OR opened_at >= $8)
  AND ($9::timestamptz IS NULL OR opened_at < $9)
ORDER BY conflict_id DESC
LIMIT $3
