-- $1 workspace ids, $2 collections, $3 document ids, in triples; $4 most bytes of documents in all. The first
-- documents beyond the limit, and all that follow, are left out.
SELECT t.workspace_id, t.collection, t.document_id, t.version, t.deleted, t.writer_device_id, t.run_base_version, t.client_timestamp_ms,
  CASE WHEN t.bytes_so_far <= $4 THEN t.data END AS data, t.bytes_so_far > $4 AS left_out
FROM (
  SELECT d.*, sum(coalesce(octet_length(d.data), 0)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes_so_far
  FROM (
    SELECT p.workspace_id, p.collection, p.document_id, p.version, p.deleted, p.data::text, p.writer_device_id, p.run_base_version,
      (extract(epoch FROM p.client_timestamp) * 1000)::bigint AS client_timestamp_ms
    FROM unnest($1::text[], $2::text[], $3::text[]) AS k (workspace_id, collection, document_id)
    CROSS JOIN LATERAL (
      SELECT d.workspace_id, d.collection, d.document_id, d.version, d.deleted, d.data, d.writer_device_id, d.run_base_version,
        d.client_timestamp
      FROM documents d
      WHERE d.workspace_id = k.workspace_id AND d.collection = k.collection AND d.document_id = k.document_id
      LIMIT 1
    ) p
    OFFSET 0 -- each text is made once
  ) d
) t
