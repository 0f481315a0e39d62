-- $1 workspace id, $2 collection, $3 document id, $4 version, $5 device id, $6 the document's version when the device collided
-- The document as the device saw it that names the version; where that is a tombstone, what was deleted, marked so.
SELECT coalesce(at_version.data, at_version.ended, before.data) AS data, at_version.data IS NULL AS deleted
FROM (
  SELECT version, data, ended
  FROM changes
  WHERE workspace_id = $1 AND collection = $2 AND document_id = $3 AND version = version_seen($1, $2, $3, $4, $5, $6)
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
