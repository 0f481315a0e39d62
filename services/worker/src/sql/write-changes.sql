-- $1 [{ workspaceId, seq, collection, documentId, firstVersion, version, data, deviceId, clientTimestampMs }]
INSERT INTO changes (
  workspace_id, seq, collection, document_id, first_version, version, deleted, data, device_id, client_timestamp, committed_at
)
SELECT
  "workspaceId", seq, collection, "documentId", "firstVersion", version, data IS NULL, data, "deviceId",
  to_timestamp("clientTimestampMs" / 1000.0), now()
FROM json_to_recordset($1::json) AS r (
  "workspaceId" text, seq bigint, collection text, "documentId" text, "firstVersion" bigint, version bigint, data jsonb, "deviceId" text,
  "clientTimestampMs" bigint
)
