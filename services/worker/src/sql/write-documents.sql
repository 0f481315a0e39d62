-- $1 [{ workspaceId, collection, documentId, version, seq, deleted, data, writerDeviceId, runBaseVersion, clientTimestampMs }]
-- A version never goes back: should a plan ever say so, nothing is written (SYN02).
WITH planned AS (
  SELECT *
  FROM json_to_recordset($1::json) AS r (
    "workspaceId" text, collection text, "documentId" text, version bigint, seq bigint, deleted boolean, data jsonb,
    "writerDeviceId" text, "runBaseVersion" bigint, "clientTimestampMs" bigint
  )
), written AS (
  INSERT INTO documents AS d (
    workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id, run_base_version,
    client_timestamp, updated_at
  )
  SELECT
    "workspaceId", collection, "documentId", version, seq, deleted, data, "writerDeviceId", "runBaseVersion",
    to_timestamp("clientTimestampMs" / 1000.0), now()
  FROM planned
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
SELECT assert_documents_written((SELECT count(*) FROM planned), (SELECT count(*) FROM written))
