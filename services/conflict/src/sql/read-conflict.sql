-- $1 workspace id, $2 conflict id. A conflict with its device's run.
SELECT
  c.workspace_id, c.conflict_id, c.collection, c.document_id, c.device_id, c.status, c.strategy, c.hook, c.round, c.base_version, c.current_version,
  c.ancestor, c.device_view, c.overlap_list, c.ancestor_view, c.remote_view, c.local_view, c.revision, c.views_kept, (
    SELECT coalesce(json_agg(h.operation ORDER BY h.place), '[]')
    FROM held_operations h
    WHERE h.workspace_id = c.workspace_id AND h.conflict_id = c.conflict_id
  ) AS operations
FROM conflicts c
WHERE c.workspace_id = $1 AND c.conflict_id = $2
