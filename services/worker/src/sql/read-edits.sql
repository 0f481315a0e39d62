-- $1 workspace ids, $2 collections, $3 document ids, $4 versions, $5 device ids or null, $6 the versions when the
-- devices collided or null, in sixes; $7 most bytes of documents in all. Reads the changes of documents since the
-- devices saw them, ascending, starting with the change that contains the seen version: at most the newest 1,000 of
-- each, with the documents of the newest 100 as far as the limit allows.
SELECT k.place, k.seen_version, c.first_version, c.version, c.edit_times, c.timestamp_ms, c.own,
  NOT c.deleted AND (c.newer > 100 OR c.bytes > $7) AS left_out,
  CASE WHEN c.newer <= 100 AND c.bytes <= $7 THEN c.data END AS data
FROM (
  SELECT place, workspace_id, collection, document_id, device_id,
    coalesce(version_seen(workspace_id, collection, document_id, version, device_id, seen_until), version) AS seen_version
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
    WITH ORDINALITY AS k (workspace_id, collection, document_id, version, device_id, seen_until, place)
) k
CROSS JOIN LATERAL (
  SELECT first_version, version, deleted, data::text AS data, edit_times,
    (extract(epoch FROM client_timestamp) * 1000)::bigint AS timestamp_ms, (device_id = k.device_id) IS TRUE AS own, newer,
    sum(CASE WHEN newer <= 100 THEN octet_length(data::text) ELSE 0 END) OVER (ORDER BY newer) AS bytes
  FROM (
    SELECT first_version, version, deleted, data, edit_times, client_timestamp, device_id,
      row_number() OVER (ORDER BY version DESC) AS newer
    FROM changes
    WHERE workspace_id = k.workspace_id AND collection = k.collection AND document_id = k.document_id
      AND version >= k.seen_version
    ORDER BY version DESC
    LIMIT 1000
  ) newest
) c
ORDER BY k.place, c.version
