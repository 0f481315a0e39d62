-- $1 workspace id, $2 conflict id
SELECT
  conflict_id, collection, document_id, device_id, status, strategy, round, base_version, current_version,
  resolved_version, resolved_seq, reason, ancestor, operations, result, overlap_list AS "overlaps", two_way, opened_at, updated_at
FROM conflicts
WHERE workspace_id = $1 AND conflict_id = $2
