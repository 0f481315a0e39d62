-- The runs behind unsettled conflicts that nothing more is accepted for, of all workspaces.
SELECT workspace_id, device_id, collection, document_id, conflict_id
FROM list_full_held_queues()
