-- $1 [{ workspaceId, seq, collection, documentId, firstVersion, version, data, ended, groupEndSeq, deviceId, clientTimestampMs }]
INSERT INTO changes (
  workspace_id, seq, collection, document_id, first_version, version, deleted, data, ended, group_end_seq, device_id, client_timestamp, committed_at
)
SELECT
  "workspaceId", seq, collection, "documentId", "firstVersion", version, data IS NULL, data, ended, "groupEndSeq", "deviceId",
  to_timestamp("clientTimestampMs" / 1000.0), now()
FROM json_to_recordset($1::json) AS r (
  "workspaceId" text, seq bigint, collection text, "documentId" text, "firstVersion" bigint, version bigint, data jsonb, ended jsonb, "groupEndSeq" bigint, "deviceId" text,
  "clientTimestampMs" bigint
)
