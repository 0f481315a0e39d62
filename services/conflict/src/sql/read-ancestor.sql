-- $1 workspace id, $2 collection, $3 document id, $4 versions, $5 device id, $6 the document's version when the
-- conflict was found.
-- For each version, the document as the device that names it saw it: at the change that holds the version, or at the
-- last of the device's own changes that directly follow it. A tombstone is returned as the document that it ended.
SELECT k.version AS first_version, at_version.version, false AS own, 0 AS last_own_version,
  at_version.data IS NULL AS deleted, coalesce(at_version.data, at_version.ended, before.data) AS data,
  (extract(epoch FROM at_version.client_timestamp) * 1000)::bigint AS timestamp_ms
FROM unnest($4::bigint[]) AS k (version)
CROSS JOIN LATERAL (
  SELECT c.version, c.data, c.ended, c.client_timestamp
  FROM changes c
  WHERE c.workspace_id = $1 AND c.collection = $2 AND c.document_id = $3
    AND c.version = version_seen($1, $2, $3, k.version, $5, $6)
) at_version
LEFT JOIN LATERAL (
  SELECT c.data
  FROM changes c
  WHERE at_version.data IS NULL AND at_version.ended IS NULL
    AND c.workspace_id = $1 AND c.collection = $2 AND c.document_id = $3 AND c.version < at_version.version
    AND c.data IS NOT NULL
  ORDER BY c.version DESC
  LIMIT 1
) before ON true
WHERE coalesce(at_version.data, at_version.ended, before.data) IS NOT NULL
ORDER BY k.version
