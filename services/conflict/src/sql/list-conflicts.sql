-- $1 workspace id, $2 status or null for all, $3 the last conflict id of the page before or null, $4 most rows
SELECT
  conflict_id, collection, document_id, device_id, status, strategy, round, base_version, current_version,
  resolved_version, resolved_seq, reason, operation_count, opened_at, updated_at
FROM conflicts
WHERE workspace_id = $1 AND ($2::text IS NULL OR status = $2) AND ($3::uuid IS NULL OR conflict_id < $3)
ORDER BY conflict_id DESC
LIMIT $4
