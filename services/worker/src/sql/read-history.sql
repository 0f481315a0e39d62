-- $1 workspace ids, $2 collections, $3 document ids, $4 versions, $5 device ids or null, in fives; $6 most bytes in
-- all, beyond which documents are left out. Reads the documents that the devices which name these versions saw; for
-- a tombstone, the document that it ended.
SELECT t.workspace_id, t.collection, t.document_id, t.version, t.device_id, t.deleted,
  CASE WHEN t.bytes_so_far <= $6 THEN t.data END AS data, t.bytes_so_far > $6 AS left_out
FROM (
  SELECT h.*, sum(octet_length(h.data)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes_so_far
  FROM (
    SELECT k.workspace_id, k.collection, k.document_id, k.version, k.device_id,
      coalesce(at_version.data, at_version.ended, before.data)::text AS data, at_version.data IS NULL AS deleted
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[])
      AS k (workspace_id, collection, document_id, version, device_id)
    CROSS JOIN LATERAL (
      SELECT c.version, c.data, c.ended
      FROM changes c
      WHERE c.workspace_id = k.workspace_id AND c.collection = k.collection AND c.document_id = k.document_id
        AND c.version = version_seen(k.workspace_id, k.collection, k.document_id, k.version, k.device_id, NULL)
    ) at_version
    LEFT JOIN LATERAL (
      SELECT c.data
      FROM changes c
      WHERE at_version.data IS NULL AND at_version.ended IS NULL AND c.workspace_id = k.workspace_id
        AND c.collection = k.collection AND c.document_id = k.document_id AND c.version < at_version.version
        AND c.data IS NOT NULL
      ORDER BY c.version DESC
      LIMIT 1
    ) before ON true
    WHERE coalesce(at_version.data, at_version.ended, before.data) IS NOT NULL
    OFFSET 0 -- each text is made once
  ) h
) t
