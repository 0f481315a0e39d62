-- $1 [{ workspaceId, batchId, deviceId, subject, atomic, results, acceptedAtMs }]
INSERT INTO batches (workspace_id, batch_id, device_id, subject, atomic, results, accepted_at, drained_at)
SELECT "workspaceId", "batchId", "deviceId", subject, atomic, results, to_timestamp("acceptedAtMs" / 1000.0), now()
FROM json_to_recordset($1::json) AS r (
  "workspaceId" text, "batchId" uuid, "deviceId" text, subject text, atomic boolean, results json, "acceptedAtMs" bigint
)
