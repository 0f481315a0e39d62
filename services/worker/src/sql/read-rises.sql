-- $1 workspace ids, $2 collections, $3 document ids, $4 device ids, $5 from versions, $6 later to versions, in
-- sixes; $7 most bytes in all, beyond which documents are left out. For a device that has received both versions,
-- reads the changes that contain them, and between those each change at which the writer alternates between this
-- device and others: the window may hold changes of the device that the later version does not have. Returns at
-- most the first 200 for each. A tombstone is returned as the document that it ended. A row without a version tells
-- the device's last change where history has no such change.
SELECT t.place, t.first_version, t.version, t.own, t.last_own_version, t.deleted, t.timestamp_ms,
  CASE WHEN t.bytes_so_far <= $7 THEN t.data END AS data, t.bytes_so_far > $7 AS left_out
FROM (
  SELECT h.*, sum(octet_length(h.data)) OVER (ROWS UNBOUNDED PRECEDING) AS bytes_so_far
  FROM (
    SELECT k.place, c.first_version, c.version, c.own, own.last_own_version, c.deleted,
      (extract(epoch FROM c.client_timestamp) * 1000)::bigint AS timestamp_ms, c.data::text AS data
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
      WITH ORDINALITY AS k (workspace_id, collection, document_id, device_id, from_version, to_version, place)
    CROSS JOIN LATERAL (
      SELECT coalesce(max(version) FILTER (WHERE device_id = k.device_id), 0) AS last_own_version
      FROM changes
      WHERE workspace_id = k.workspace_id AND collection = k.collection AND document_id = k.document_id
        AND version >= k.from_version
    ) own
    LEFT JOIN LATERAL (
      SELECT change.first_version, change.version, change.own, change.deleted, change.client_timestamp,
        coalesce(change.data, change.ended, before.data) AS data
      FROM (
        SELECT *
        FROM (
          SELECT first_version, version, deleted, data, ended, client_timestamp,
            (device_id = k.device_id) IS TRUE AS own,
            lead((device_id = k.device_id) IS TRUE) OVER (ORDER BY version) AS next_own
          FROM changes
          WHERE workspace_id = k.workspace_id AND collection = k.collection AND document_id = k.document_id
            AND version >= k.from_version AND first_version <= k.to_version
        ) every
        WHERE first_version <= k.from_version OR version >= k.to_version OR own <> next_own
        ORDER BY version
        LIMIT 200
      ) change
      LEFT JOIN LATERAL (
        SELECT b.data
        FROM changes b
        WHERE change.data IS NULL AND change.ended IS NULL AND b.workspace_id = k.workspace_id
          AND b.collection = k.collection AND b.document_id = k.document_id AND b.version < change.version
          AND b.data IS NOT NULL
        ORDER BY b.version DESC
        LIMIT 1
      ) before ON true
      WHERE coalesce(change.data, change.ended, before.data) IS NOT NULL
    ) c ON true
    ORDER BY k.place, c.version
    OFFSET 0 -- each text is made once
  ) h
) t
