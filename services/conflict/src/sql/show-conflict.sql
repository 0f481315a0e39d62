-- $1 workspace id, $2 conflict id. The whole record, with its device's operations and the decisions of people.
SELECT
  c.conflict_id, c.collection, c.document_id, c.device_id, c.status, c.strategy, c.hook, c.round, c.base_version, c.current_version,
  c.resolved_version, c.resolved_seq, c.reason, (
    SELECT coalesce(json_agg(json_build_object('batchId', h.batch_id, 'operation', h.operation) ORDER BY h.place), '[]')
    FROM held_operations h
    WHERE h.workspace_id = c.workspace_id AND h.conflict_id = c.conflict_id
  ) AS operations, c.result, c.overlap_list AS "overlaps", c.two_way, (
    SELECT coalesce(json_agg(json_build_object(
      'choice', d.choice, 'subject', d.subject, 'client_id', d.client_id,
      'decided_at', to_char(d.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      'replaced_version', d.replaced_version, 'replaced', d.replaced, 'version', d.version
    ) ORDER BY d.revision), '[]')
    FROM decisions d
    WHERE d.workspace_id = c.workspace_id AND d.conflict_id = c.conflict_id
  ) AS decisions, nullif(split_part(c.trace ->> 'traceparent', '-', 2), '') AS trace_id,
  c.opened_at, c.updated_at, c.resolved_at, round(extract(epoch FROM c.resolved_at - c.opened_at) * 1000)::bigint AS open_ms
FROM conflicts c
WHERE c.workspace_id = $1 AND c.conflict_id = $2
