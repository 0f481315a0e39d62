-- The limit: documents, history and ledger in one statement.
-- $1 the operations, [{ w, d, c, i, k, b, s, x }]: workspace, device, client id, document id, kind, base version, seq,
-- document; $2 batch id, $3 request id. Returns the number of written operations.
--
-- Checks the ledger (a recorded operation is not applied again) and the version. The probe is lateral because a plain
-- join was planned as a scan of the whole ledger. Rows are locked in the order of their keys, so that two statements
-- cannot wait for each other.
WITH input AS MATERIALIZED (
  SELECT i.*
  FROM json_to_recordset($1::json) AS i (w text, d text, c text, i text, k text, b bigint, s bigint, x jsonb)
  LEFT JOIN LATERAL (
    SELECT true AS is_known
    FROM operations p
    WHERE p.workspace_id = i.w AND p.device_id = i.d AND p.client_id = i.c
    LIMIT 1
  ) o ON true
  WHERE o.is_known IS NULL
  ORDER BY i.w, i.i
), written AS (
  INSERT INTO documents AS d (
    workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id, run_base_version, updated_at
  )
  SELECT w, 'documents', i, b + 1, s, x IS NULL, x, input.d, b, now()
  FROM input
  ON CONFLICT (workspace_id, collection, document_id) DO UPDATE SET
    version = excluded.version,
    seq = excluded.seq,
    deleted = excluded.deleted,
    data = excluded.data,
    writer_device_id = excluded.writer_device_id,
    run_base_version = excluded.run_base_version,
    updated_at = excluded.updated_at
  WHERE d.version = excluded.version - 1
  RETURNING 1
), changed AS (
  INSERT INTO changes (
    workspace_id, seq, collection, document_id, first_version, version, deleted, data, device_id, committed_at, revision
  )
  SELECT w, s, 'documents', i, b + 1, b + 1, x IS NULL, x, d, now(), s
  FROM input
), recorded AS (
  INSERT INTO operations (
    workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq,
    merged, expected_version, subject, request_id, accepted_at, settled_at, settled_revision
  )
  SELECT
    w, d, c, $2::uuid, 'ZmluZ2VycHJpbnQgb2YgdGhlIG9wZXJhdGlvbiwgNDMgY2g', k, 'documents', i, 'success', b + 1, s,
    false, nullif(b, 0), 'user_' || d, $3, now(), now(), s
  FROM input
)
-- All or nothing: if a version does not match, the whole statement fails, and the client finds the failing operation.
SELECT 1 / (((SELECT count(*) FROM written) = (SELECT count(*) FROM input))::integer) AS ok, (SELECT count(*) FROM input) AS written
