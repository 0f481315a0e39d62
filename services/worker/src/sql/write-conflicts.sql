-- $1 conflict records, new ones and changed ones. A changed one carries its documents only when it is resolved,
-- which happens once; its result may be null by then.
INSERT INTO conflicts AS c (
  workspace_id, conflict_id, collection, document_id, device_id, device_declared, status, strategy, hook, round, base_version,
  seen_version, current_version, ancestor, device_view, ancestor_view, remote_view, local_view, operation_count, operation_bytes, result, overlap_list,
  two_way, reason, resolved_version, resolved_seq, refused_entry_id, revision, trace, opened_at, updated_at, resolved_at
)
SELECT
  "workspaceId", "conflictId", collection, "documentId", "deviceId", "deviceDeclared", status, strategy, hook, round,
  "baseVersion", "seenVersion", "currentVersion", ancestor, "deviceView", "ancestorView", "remoteView", "localView", "operationCount",
  "operationBytes", result, "overlapList", "twoWay", reason, "resolvedVersion", "resolvedSeq", "refusedEntryId", revision, trace, now(), now(),
  CASE WHEN status = 'resolved' THEN now() END
FROM json_to_recordset($1::json) AS r (
  "workspaceId" text, "conflictId" uuid, collection text, "documentId" text, "deviceId" text, "deviceDeclared" boolean,
  status text, strategy text, hook text, round integer, "baseVersion" bigint, "seenVersion" bigint, "currentVersion" bigint, ancestor jsonb, "deviceView" jsonb,
  "ancestorView" jsonb, "remoteView" jsonb, "localView" jsonb,
  "operationCount" integer, "operationBytes" bigint, result jsonb, "overlapList" jsonb, "twoWay" boolean, reason text, "resolvedVersion" bigint,
  "resolvedSeq" bigint, "refusedEntryId" text, revision bigint, trace jsonb
)
-- Resolved ones first: the conflict that follows may be of the same device and document.
ORDER BY status <> 'resolved'
ON CONFLICT (workspace_id, conflict_id) DO UPDATE SET
  status = excluded.status,
  strategy = excluded.strategy,
  hook = excluded.hook,
  round = excluded.round,
  seen_version = excluded.seen_version,
  operation_count = excluded.operation_count,
  ancestor_view = coalesce(excluded.ancestor_view, c.ancestor_view),
  remote_view = coalesce(excluded.remote_view, c.remote_view),
  operation_bytes = excluded.operation_bytes,
  local_view = coalesce(excluded.local_view, c.local_view),
  result = CASE WHEN c.status = excluded.status THEN c.result ELSE excluded.result END,
  overlap_list = coalesce(excluded.overlap_list, c.overlap_list),
  two_way = excluded.two_way,
  reason = excluded.reason,
  resolved_version = excluded.resolved_version,
  resolved_seq = excluded.resolved_seq,
  refused_entry_id = excluded.refused_entry_id,
  revision = excluded.revision,
  round_at = CASE WHEN c.round = excluded.round AND c.status = excluded.status THEN c.round_at ELSE now() END,
  updated_at = excluded.updated_at,
  resolved_at = coalesce(c.resolved_at, excluded.resolved_at)
