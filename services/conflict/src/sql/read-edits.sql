-- $1 workspace id, $2 collection, $3 document id, $4 version, $5 device id, $6 the document's version when the conflict
-- was found, $7 most bytes of documents in all.
-- The document's changes in ascending order, beginning with the change that the device saw: at most the newest 1,000,
-- with documents for the newest 100 within $7.
SELECT seen_version, first_version, version, edit_times, timestamp_ms, own,
  NOT deleted AND (newer > 100 OR bytes > $7) AS left_out,
  CASE WHEN newer <= 100 AND bytes <= $7 THEN data::text END AS data
FROM (
  SELECT seen_version, first_version, version, deleted, data, edit_times,
    (extract(epoch FROM client_timestamp) * 1000)::bigint AS timestamp_ms, (device_id = $5) IS TRUE AS own, newer,
    sum(CASE WHEN newer <= 100 THEN octet_length(data::text) ELSE 0 END) OVER (ORDER BY newer) AS bytes
  FROM (
    SELECT seen.version AS seen_version, c.first_version, c.version, c.deleted, c.data, c.edit_times, c.client_timestamp, c.device_id,
      row_number() OVER (ORDER BY c.version DESC) AS newer
    FROM (SELECT coalesce(version_seen($1, $2, $3, $4, $5, $6), $4::bigint) AS version) seen
    JOIN changes c ON c.workspace_id = $1 AND c.collection = $2 AND c.document_id = $3 AND c.version >= seen.version
    ORDER BY c.version DESC
    LIMIT 1000
  ) newest
) change
ORDER BY version
