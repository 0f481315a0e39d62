-- The full held queues of unsettled conflicts, in all workspaces.
SELECT workspace_id, device_id, collection, document_id, conflict_id
FROM list_full_held_queues()
