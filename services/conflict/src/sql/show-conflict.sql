-- $1 workspace id, $2 conflict id. A record whole, with the operations of its device.
SELECT
  c.conflict_id, c.collection, c.document_id, c.device_id, c.status, c.strategy, c.round, c.base_version, c.current_version,
  c.resolved_version, c.resolved_seq, c.reason, c.ancestor, (
    SELECT coalesce(json_agg(h.operation || jsonb_build_object('batchId', h.batch_id) ORDER BY h.place), '[]')
    FROM held_operations h
    WHERE h.workspace_id = c.workspace_id AND h.conflict_id = c.conflict_id
  ) AS operations, c.result, c.overlap_list AS "overlaps", c.two_way, c.opened_at, c.updated_at
FROM conflicts c
WHERE c.workspace_id = $1 AND c.conflict_id = $2
