-- $1 workspace ids, $2 collections, $3 document ids, in triples.
SELECT d.workspace_id, d.collection, d.document_id, d.version, d.deleted, d.data, d.writer_device_id, d.run_base_version,
  (extract(epoch FROM d.client_timestamp) * 1000)::bigint AS client_timestamp_ms
FROM unnest($1::text[], $2::text[], $3::text[]) AS k (workspace_id, collection, document_id)
CROSS JOIN LATERAL (
  SELECT p.workspace_id, p.collection, p.document_id, p.version, p.deleted, p.data, p.writer_device_id, p.run_base_version,
    p.client_timestamp
  FROM documents p
  WHERE p.workspace_id = k.workspace_id AND p.collection = k.collection AND p.document_id = k.document_id
  LIMIT 1
) d
