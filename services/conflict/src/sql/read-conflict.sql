-- $1 workspace id, $2 conflict id
SELECT workspace_id, conflict_id, collection, document_id, status, strategy, round, base_version, ancestor, device_view, operations
FROM conflicts
WHERE workspace_id = $1 AND conflict_id = $2
