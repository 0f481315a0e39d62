-- Rows of the ledger, a column each: $1 workspace ids, $2 device ids, $3 client ids, $4 batch ids, $5 fingerprints,
-- $6 operations, $7 collections, $8 document ids, $9 statuses, $10 versions, $11 seqs, $12 merged, $13 decision
-- choices, $14 overlap counts, $15 rounds, $16 errors, $17 error types, $18 expected versions, $19 current
-- versions, $20 conflict ids, $21 conflict statuses, $22 subjects, $23 request ids, $24 trace ids, $25 times of
-- acceptance in ms, $26 contents, $27 the workspaces' revisions that this commit makes. A column without a value may be
-- null. Columns, because Postgres takes twice as long to read so many short values from JSON. An existing row was
-- pending, or is an error that is tried again: only its outcome changes. Or it was skipped, and starts anew.
INSERT INTO operations AS o (
  workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq,
  merged, decided, overlap_count, rounds, error, error_type, expected_version, current_version, conflict_id, conflict_status,
  subject, request_id, trace_id, accepted_at, settled_at, settled_revision, content
)
SELECT
  workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq,
  merged, decided, overlap_count, rounds, error, error_type, expected_version, current_version, conflict_id, conflict_status,
  subject, request_id, trace_id, to_timestamp(accepted_at_ms / 1000.0), CASE WHEN status <> 'pending' THEN now() END,
  CASE WHEN status <> 'pending' THEN revision END, content::json
FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[],
  $11::bigint[], $12::boolean[], $13::text[], $14::integer[], $15::integer[], $16::text[], $17::text[], $18::bigint[],
  $19::bigint[], $20::uuid[], $21::text[], $22::text[], $23::text[], $24::text[], $25::bigint[], $26::text[],
  $27::bigint[]
) AS r (
  workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq,
  merged, decided, overlap_count, rounds, error, error_type, expected_version, current_version, conflict_id, conflict_status,
  subject, request_id, trace_id, accepted_at_ms, content, revision
)
ON CONFLICT (workspace_id, device_id, client_id) DO UPDATE SET
  batch_id = excluded.batch_id,
  fingerprint = excluded.fingerprint,
  document_id = excluded.document_id,
  subject = CASE WHEN o.status = 'skipped' THEN excluded.subject ELSE o.subject END,
  request_id = CASE WHEN o.status = 'skipped' THEN excluded.request_id ELSE o.request_id END,
  trace_id = CASE WHEN o.status = 'skipped' THEN excluded.trace_id ELSE o.trace_id END,
  accepted_at = CASE WHEN o.status = 'skipped' THEN excluded.accepted_at ELSE o.accepted_at END,
  status = excluded.status,
  version = excluded.version,
  seq = excluded.seq,
  merged = excluded.merged,
  decided = excluded.decided,
  overlap_count = excluded.overlap_count,
  rounds = excluded.rounds,
  error = excluded.error,
  error_type = excluded.error_type,
  current_version = excluded.current_version,
  conflict_id = excluded.conflict_id,
  conflict_status = excluded.conflict_status,
  content = excluded.content,
  settled_at = excluded.settled_at,
  settled_revision = excluded.settled_revision
