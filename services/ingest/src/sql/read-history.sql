-- $1 workspace id, $2 collection, $3 document id, $4 version to read below or null, $5 most rows, $6 most bytes of
-- data. The first row is always read. found counts rows up to one more than $5.
SELECT seq, collection, document_id, first_version, version, deleted, data, ended, device_id, committed_at, found
FROM (
  SELECT p.*, row_number() OVER in_order AS place, count(*) OVER () AS found,
    sum(p.bytes) OVER in_order - p.bytes AS bytes_before
  FROM (
    SELECT seq, collection, document_id, first_version, version, deleted, data, ended, device_id, committed_at,
      coalesce(octet_length(data::text), octet_length(ended::text), 0) AS bytes
    FROM changes
    WHERE workspace_id = $1 AND collection = $2 AND document_id = $3
      AND version < coalesce($4::bigint, 9223372036854775807)
    ORDER BY version DESC
    LIMIT $5::integer + 1
  ) p
  WINDOW in_order AS (ORDER BY p.version DESC)
) c
WHERE place <= $5::integer AND bytes_before < $6::bigint
ORDER BY version DESC
