-- $1 rows of the ledger. A row that exists is one that was pending, or an error that is tried again: only what a
-- settlement decides is changed.
INSERT INTO operations AS o (
  workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq,
  merged, overlap_count, rounds, error, error_type, expected_version, current_version, conflict_id, subject, request_id,
  trace_id, accepted_at, settled_at, content
)
SELECT
  "workspaceId", "deviceId", "clientId", "batchId", fingerprint, operation, collection, "documentId", status, version,
  seq, merged, "overlapCount", rounds, error, "errorType", "expectedVersion", "currentVersion", "conflictId", subject,
  "requestId", "traceId", to_timestamp("acceptedAtMs" / 1000.0), CASE WHEN status <> 'pending' THEN now() END,
  content::json
FROM json_to_recordset($1::json) AS r (
  "workspaceId" text, "deviceId" text, "clientId" text, "batchId" uuid, fingerprint text, operation text,
  collection text, "documentId" text, status text, version bigint, seq bigint, merged boolean, "overlapCount" integer,
  rounds integer, error text, "errorType" text, "expectedVersion" bigint, "currentVersion" bigint, "conflictId" uuid,
  subject text, "requestId" text, "traceId" text, "acceptedAtMs" bigint, content text
)
ON CONFLICT (workspace_id, device_id, client_id) DO UPDATE SET
  batch_id = excluded.batch_id,
  status = excluded.status,
  version = excluded.version,
  seq = excluded.seq,
  merged = excluded.merged,
  overlap_count = excluded.overlap_count,
  rounds = excluded.rounds,
  error = excluded.error,
  error_type = excluded.error_type,
  current_version = excluded.current_version,
  conflict_id = excluded.conflict_id,
  content = excluded.content,
  settled_at = excluded.settled_at
