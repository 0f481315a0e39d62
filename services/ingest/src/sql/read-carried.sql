-- $1 workspace id, $2 device id; $3 client ids and $4 versions, in pairs and in the order of the results; limits in
-- bytes of JSON text: $5 for a document, $6 for all.
-- The documents, null for a tombstone, at the versions that these operations of the ledger report. For a change that
-- folds several versions, the document is that of the change. A document is left out if the history no longer holds its
-- version, or if it is too large, alone or together with those before it.
SELECT client_id, data
FROM (
  SELECT k.client_id, c.data, sum(c.bytes) OVER (ORDER BY k.place) AS bytes_so_far
  FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY AS k (client_id, version, place)
  CROSS JOIN LATERAL (
    SELECT collection, document_id
    FROM operations p
    WHERE p.workspace_id = $1 AND p.device_id = $2 AND p.client_id = k.client_id
    LIMIT 1
  ) o
  CROSS JOIN LATERAL (
    SELECT first_version, data, coalesce(octet_length(data::text), 0) AS bytes
    FROM changes p
    WHERE p.workspace_id = $1 AND p.collection = o.collection AND p.document_id = o.document_id
      AND p.version >= k.version
    ORDER BY p.version
    LIMIT 1
  ) c
  WHERE c.first_version <= k.version AND c.bytes <= $5::bigint
) sized
WHERE bytes_so_far <= $6::bigint
