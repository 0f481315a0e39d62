-- $1 workspace id, $2 collection, $3 document id, $4 versions in ascending order, $5 device id.
-- For a device that continues from its own view and has received these versions: the changes that hold them. If the
-- device has written after a version, also the changes in between at which the writer switches from other devices to
-- this one, or back. At most the first 400. A tombstone is returned as the document that it ended.
WITH change AS (
  SELECT first_version, version, data IS NULL AND ended IS NULL AS needs_before,
    EXISTS (SELECT FROM unnest($4::bigint[]) k (version) WHERE k.version BETWEEN first_version AND c.version) AS named,
    (device_id = $5) IS TRUE AS own,
    lead((device_id = $5) IS TRUE) OVER (ORDER BY version) AS next_own,
    max(version) FILTER (WHERE device_id = $5) OVER () AS last_own_version
  FROM changes c
  WHERE workspace_id = $1 AND collection = $2 AND document_id = $3 AND version >= $4[1]
), wanted AS (
  SELECT version, own, needs_before, coalesce(last_own_version, 0) AS last_own_version
  FROM change
  WHERE named OR (own <> next_own AND version < last_own_version AND first_version <= $4[cardinality($4)])
  ORDER BY version
  LIMIT 400
)
SELECT c.first_version, c.version, w.own, w.last_own_version, c.deleted, coalesce(c.data, c.ended, before.data) AS data,
  (extract(epoch FROM c.client_timestamp) * 1000)::bigint AS timestamp_ms
FROM wanted w
JOIN changes c ON c.workspace_id = $1 AND c.collection = $2 AND c.document_id = $3 AND c.version = w.version
LEFT JOIN LATERAL (
  SELECT b.data
  FROM changes b
  WHERE w.needs_before AND b.workspace_id = $1 AND b.collection = $2 AND b.document_id = $3 AND b.version < c.version
    AND b.data IS NOT NULL
  ORDER BY b.version DESC
  LIMIT 1
) before ON true
WHERE coalesce(c.data, c.ended, before.data) IS NOT NULL
ORDER BY c.version
