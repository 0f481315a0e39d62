-- $1 workspace id, $2 device id, $3 client id. An operation of the ledger with its outcome: its batch's drain, the
-- change that holds the version it reports, and the conflict it belongs to.
-- A person's decision belongs to a conflict, too, but is not part of its run.
-- A success that wrote no change names the workspace's seq, so the change is joined by its document as well.
SELECT
  o.workspace_id, o.device_id, o.client_id, o.batch_id, o.fingerprint, o.operation, o.collection, o.document_id,
  o.status, o.version, o.seq, o.merged, o.decided, o.overlap_count, o.rounds, o.error, o.error_type, o.expected_version,
  o.current_version, o.conflict_id, o.conflict_status, o.subject, o.request_id, o.trace_id,
  (extract(epoch FROM o.accepted_at) * 1000)::bigint AS accepted_at_ms, o.settled_at,
  o.content IS NOT NULL AS replayable, b.drained_at,
  c.seq AS change_seq, c.first_version, c.version AS last_version, c.committed_at,
  k.status AS record_status, k.round AS conflict_round, k.strategy AS conflict_strategy, k.reason AS conflict_reason,
  k.round_at AS conflict_round_at, h.client_id AS conflict_opened_by
FROM operations o
LEFT JOIN batches b ON b.workspace_id = o.workspace_id AND b.batch_id = o.batch_id
LEFT JOIN changes c ON c.workspace_id = o.workspace_id AND c.seq = o.seq AND c.collection = o.collection
  AND c.document_id = o.document_id AND o.version BETWEEN c.first_version AND c.version
LEFT JOIN conflicts k ON k.workspace_id = o.workspace_id AND k.conflict_id = o.conflict_id
LEFT JOIN LATERAL (
  SELECT (array_agg(client_id ORDER BY place))[1] AS client_id, bool_or(client_id = o.client_id) AS is_part
  FROM held_operations
  WHERE workspace_id = o.workspace_id AND conflict_id = o.conflict_id
) h ON k.device_id = o.device_id AND h.is_part
WHERE o.workspace_id = $1 AND o.device_id = $2 AND o.client_id = $3
