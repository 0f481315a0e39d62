-- $1 workspace id, $2 revision and $3 conflict id of the position to start after (without an id, after all of that
-- revision), $4 most rows, $5 collections or null for all.
-- Conflict records in the order of the commits that last wrote them.
-- One statement and therefore one snapshot: the workspace's revision belongs to the rows, and no later commit gets a
-- revision at or below it. A workspace without rows gives one with a null conflict id; one without a commit gives none.
SELECT
  w.revision AS revision_to, c.revision, c.conflict_id, c.collection, c.document_id, c.device_id, c.status, c.strategy,
  c.round, c.base_version, c.current_version, c.resolved_version, c.resolved_seq, c.reason, c.operation_count,
  c.opened_at, c.updated_at
FROM workspaces w
LEFT JOIN LATERAL (
  SELECT *
  FROM conflicts
  WHERE workspace_id = $1
    AND (revision, conflict_id) > ($2::bigint, coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    AND ($5::text[] IS NULL OR collection = ANY ($5::text[]))
  ORDER BY revision, conflict_id
  LIMIT $4::integer
) c ON true
WHERE w.workspace_id = $1
ORDER BY c.revision, c.conflict_id
