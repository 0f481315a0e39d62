-- $1 [{ workspaceId, seq, collection, documentId, firstVersion, version, data, ended, groupEndSeq, deviceId,
-- clientTimestampMs, editTimes, writerDeviceId, runBaseVersion, revision }]
-- Writes changes, and the documents as the last of their changes leaves them: only the last has a writerDeviceId.
-- One statement writes both, because most of the work is to parse and store a document's JSON, and it need not be
-- done twice. A version never decreases: if a plan says so, the statement fails (SYN02).
WITH planned AS MATERIALIZED (
  SELECT *
  FROM json_to_recordset($1::json) AS r (
    "workspaceId" text, seq bigint, collection text, "documentId" text, "firstVersion" bigint, version bigint, data jsonb, ended jsonb,
    "groupEndSeq" bigint, "deviceId" text, "clientTimestampMs" bigint, "editTimes" jsonb, "writerDeviceId" text, "runBaseVersion" bigint, revision bigint
  )
), logged AS (
  INSERT INTO changes (
    workspace_id, seq, collection, document_id, first_version, version, deleted, data, ended, group_end_seq, device_id,
    client_timestamp, edit_times, committed_at, revision
  )
  SELECT
    "workspaceId", seq, collection, "documentId", "firstVersion", version, data IS NULL, data, ended, "groupEndSeq", "deviceId",
    to_timestamp("clientTimestampMs" / 1000.0), "editTimes", now(), revision
  FROM planned
), written AS (
  INSERT INTO documents AS d (
    workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id, run_base_version,
    client_timestamp, updated_at
  )
  SELECT
    "workspaceId", collection, "documentId", version, seq, data IS NULL, data, "writerDeviceId", "runBaseVersion",
    to_timestamp("clientTimestampMs" / 1000.0), now()
  FROM planned
  WHERE "writerDeviceId" IS NOT NULL
  ON CONFLICT (workspace_id, collection, document_id) DO UPDATE SET
    version = excluded.version,
    seq = excluded.seq,
    deleted = excluded.deleted,
    data = excluded.data,
    writer_device_id = excluded.writer_device_id,
    run_base_version = excluded.run_base_version,
    client_timestamp = excluded.client_timestamp,
    updated_at = excluded.updated_at
  WHERE d.version < excluded.version
  RETURNING 1
)
SELECT assert_documents_written(
  (SELECT count(*) FROM planned WHERE "writerDeviceId" IS NOT NULL),
  (SELECT count(*) FROM written)
)
