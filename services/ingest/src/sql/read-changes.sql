-- $1 workspace id, $2 since, $3 most rows, $4 collections or null for all, $5 most bytes of data, $6 most bytes of a
-- page that completes a group, $7 the reading device or null, $8 null for every change, or a number of seqs: of these, only the changes that are
-- their document's newest. Each change names the operations of the device that it
-- settled, which count as bytes, too: those of its commit on its document that were answered with its seq. The first row is always read, and so is the rest of a group that has begun (100 changes
-- at most), up to $6.
-- found counts rows up to some beyond $3, which tells if there are more.
-- One statement and therefore one snapshot: the bounds of the feed belong to the rows. A workspace without rows gives
-- one with a null seq; one without a commit gives none.
SELECT
  w.seq AS feed_to, w.feed_from, c.seq, c.collection, c.document_id, c.version, c.deleted, c.data, c.device_id,
  c.committed_at, c.client_ids, c.found
FROM workspaces w
LEFT JOIN LATERAL (
  SELECT q.*, max(coalesce(q.group_end_seq, q.seq)) FILTER (
    WHERE q.place <= $3::integer AND q.bytes_before < $5::bigint
  ) OVER () AS page_end
  FROM (
    SELECT p.*, row_number() OVER in_order AS place, count(*) OVER () AS found,
      sum(p.bytes) OVER in_order - p.bytes AS bytes_before
    FROM (
      SELECT seq, collection, document_id, version, deleted, data, device_id, committed_at, group_end_seq, s.client_ids,
        coalesce(octet_length(data::text), 0) + coalesce(octet_length(s.client_ids::text), 0) AS bytes
      FROM changes
      LEFT JOIN LATERAL (
        SELECT array_agg(o.client_id ORDER BY o.version, o.client_id) AS client_ids
        FROM operations o
        WHERE o.workspace_id = $1 AND o.device_id = $7::text AND o.settled_revision = changes.revision
          AND o.seq = changes.seq AND o.collection = changes.collection AND o.document_id = changes.document_id
          AND o.status = 'success'
      ) s ON $7::text IS NOT NULL
      WHERE workspace_id = $1 AND seq > $2 AND seq <= coalesce($2::bigint + $8::bigint, 9223372036854775807)
        AND ($8::bigint IS NULL OR NOT EXISTS (
          SELECT FROM changes n
          WHERE n.workspace_id = $1 AND n.collection = changes.collection AND n.document_id = changes.document_id
            AND n.version > changes.version
        ))
        AND ($4::text[] IS NULL OR collection = ANY ($4::text[]))
      ORDER BY seq
      LIMIT $3::integer + 100
    ) p
    WINDOW in_order AS (ORDER BY p.seq)
  ) q
) c ON c.seq <= c.page_end AND c.bytes_before < $6::bigint
WHERE w.workspace_id = $1
ORDER BY c.seq
