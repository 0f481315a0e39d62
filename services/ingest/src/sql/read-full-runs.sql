-- The runs behind unsettled conflicts that nothing more is accepted for. The numbers are those of the index conflicts_full.
SELECT workspace_id, device_id, collection, document_id, conflict_id
FROM conflicts
WHERE status IN ('open', 'parked') AND (operation_count >= 1000 OR operation_bytes >= 16777216)
