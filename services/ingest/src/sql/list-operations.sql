-- $1 workspace id, $2 status; $3 accepted at (microseconds), $4 device id and $5 client id of the last row of the
-- previous page, or null; $6 most rows. Newest first, by the index operations_unwell: status is never 'success'.
SELECT
  workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq,
  merged, decided, overlap_count, rounds, error, error_type, expected_version, current_version, conflict_id, conflict_status,
  subject,   request_id, trace_id, (extract(epoch FROM accepted_at) * 1000)::bigint AS accepted_at_ms, settled_at,
  content IS NOT NULL AS replayable,
  (extract(epoch FROM accepted_at) * 1000000)::bigint AS accepted_at_us
FROM operations
WHERE workspace_id = $1 AND status = $2 AND status <> 'success' AND (accepted_at, device_id, client_id) < (
  coalesce(timestamptz 'epoch' + $3::bigint * interval '1 microsecond', 'infinity'), coalesce($4, ''), coalesce($5, '')
)
ORDER BY accepted_at DESC, device_id DESC, client_id DESC
LIMIT $6::integer
