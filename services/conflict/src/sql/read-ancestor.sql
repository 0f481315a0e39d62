-- $1 workspace id, $2 collection, $3 document id, $4 version
-- The document at a version: the change that holds it, or, where that is a tombstone, what was deleted, marked so.
WITH at_version AS (
  SELECT version, data
  FROM changes
  WHERE workspace_id = $1 AND collection = $2 AND document_id = $3 AND version >= $4 AND first_version <= $4
  ORDER BY version
  LIMIT 1
)
SELECT data, false AS deleted FROM at_version WHERE data IS NOT NULL
UNION ALL
SELECT before.data, true AS deleted
FROM at_version
CROSS JOIN LATERAL (
  SELECT c.data
  FROM changes c
  WHERE c.workspace_id = $1 AND c.collection = $2 AND c.document_id = $3 AND c.version < at_version.version
    AND c.data IS NOT NULL
  ORDER BY c.version DESC
  LIMIT 1
) before
WHERE at_version.data IS NULL
