-- $1 workspace id, $2 retention in days, $3 most changes to check. Requires the workspace's lock:
-- drop-history-lock.sql. Checks the next changes that have passed their retention, in seq order up to the first
-- that has not, and drops the changes that they superseded. Moves feed_from past them in the same statement, so
-- that no reader gets a page with a gap. The change with a document's current version is never superseded, so it
-- stays; a tombstone loses the document that it ended.
-- The ancestor of an unresolved conflict stays, and the versions that its operations rise to, found as in
-- services/conflict/src/sql/read-ancestor.sql; if the run continues from its device's own view, all changes since
-- then. Once no longer needed, such a change is dropped with the document's next change that passes its retention.
-- Returns the number of checked changes, and of dropped ones; no row if none has passed its retention.
WITH looked_at AS (
  SELECT c.seq, c.collection, c.document_id, c.version, c.holds_ended,
    bool_and(c.committed_at < now() - $2 * interval '24 hours') OVER (ORDER BY c.seq) AS aged
  FROM workspaces w
  CROSS JOIN LATERAL (
    SELECT seq, collection, document_id, version, ended IS NOT NULL AS holds_ended, committed_at
    FROM changes
    WHERE workspace_id = w.workspace_id AND seq > w.history_checked_to
    ORDER BY seq
    LIMIT $3::integer
  ) c
  WHERE w.workspace_id = $1
), checked AS (
  SELECT max(seq) AS seq, count(*) AS changes FROM looked_at WHERE aged
), documents_checked AS (
  SELECT collection, document_id, max(version) AS version
  FROM looked_at
  WHERE aged
  GROUP BY collection, document_id
), needed AS (
  SELECT unnest(ARRAY[at_version.seq, before.seq]) AS seq
  FROM documents_checked d
  CROSS JOIN LATERAL (
    SELECT c.device_id, c.current_version, named.version
    FROM conflicts c
    CROSS JOIN LATERAL (
      SELECT c.base_version AS version
      UNION
      SELECT (h.operation ->> 'expectedVersion')::bigint
      FROM held_operations h
      WHERE h.workspace_id = $1 AND h.conflict_id = c.conflict_id AND NOT h.operation ? 'versionUnknown'
    ) named
    WHERE c.workspace_id = $1 AND c.collection = d.collection AND c.document_id = d.document_id
      AND c.status IN ('open', 'parked')
  ) k
  CROSS JOIN LATERAL (
    SELECT seq, version, deleted AND ended IS NULL AS needs_before
    FROM changes
    WHERE workspace_id = $1 AND collection = d.collection AND document_id = d.document_id
      AND version = version_seen($1, d.collection, d.document_id, k.version, k.device_id, k.current_version)
  ) at_version
  LEFT JOIN LATERAL (
    SELECT seq
    FROM changes
    WHERE workspace_id = $1 AND collection = d.collection AND document_id = d.document_id
      AND version < at_version.version AND NOT deleted
    ORDER BY version DESC
    LIMIT 1
  ) before ON at_version.needs_before
  UNION
  SELECT since.seq
  FROM documents_checked d
  JOIN conflicts k ON k.workspace_id = $1 AND k.collection = d.collection AND k.document_id = d.document_id
    AND k.status IN ('open', 'parked') AND k.device_view IS NOT NULL
  JOIN changes since ON since.workspace_id = $1 AND since.collection = d.collection
    AND since.document_id = d.document_id AND since.version >= k.base_version
), superseded AS (
  SELECT c.seq
  FROM documents_checked d
  CROSS JOIN LATERAL (
    -- OFFSET 0 keeps this a probe of the index for each document.
    SELECT seq
    FROM changes
    WHERE workspace_id = $1 AND collection = d.collection AND document_id = d.document_id AND version < d.version
    OFFSET 0
  ) c
  WHERE NOT EXISTS (SELECT FROM needed n WHERE n.seq = c.seq)
), dropped AS (
  DELETE FROM changes
  WHERE workspace_id = $1 AND seq = ANY (ARRAY(SELECT seq FROM superseded))
  RETURNING seq
), emptied AS (
  UPDATE changes
  SET ended = NULL
  WHERE workspace_id = $1 AND seq = ANY (ARRAY(
    SELECT seq FROM looked_at WHERE aged AND holds_ended
    EXCEPT (SELECT seq FROM superseded UNION ALL SELECT seq FROM needed)
  ))
)
UPDATE workspaces
SET history_checked_to = checked.seq,
  -- A drain that has read the workspace must not open a conflict that needs changes dropped here.
  revision = revision + 1,
  feed_from = greatest(feed_from, (SELECT max(seq) FROM dropped))
FROM checked
WHERE workspace_id = $1 AND checked.seq IS NOT NULL
RETURNING checked.changes AS looked_at, (SELECT count(*) FROM dropped) AS dropped
