-- $1 [{ workspaceId, conflictId, place, batchId, operation }]
INSERT INTO held_operations (workspace_id, conflict_id, place, client_id, batch_id, operation)
SELECT "workspaceId", "conflictId", place, operation ->> 'clientId', "batchId", operation
FROM json_to_recordset($1::json) AS r (
  "workspaceId" text, "conflictId" uuid, place integer, "batchId" uuid, operation jsonb
)
