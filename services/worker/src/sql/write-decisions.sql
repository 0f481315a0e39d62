-- $1 [{ workspaceId, conflictId, revision, choice, subject, clientId, decidedAtMs, replacedVersion, replaced, version }]
INSERT INTO decisions (
  workspace_id, conflict_id, revision, choice, subject, client_id, decided_at, replaced_version, replaced, version
)
SELECT
  "workspaceId", "conflictId", revision, choice, subject, "clientId", to_timestamp("decidedAtMs" / 1000.0),
  "replacedVersion", replaced, version
FROM json_to_recordset($1::json) AS r (
  "workspaceId" text, "conflictId" uuid, revision bigint, choice text, subject text, "clientId" text,
  "decidedAtMs" bigint, "replacedVersion" bigint, replaced jsonb, version bigint
)
