-- $1 [{ workspaceId, conflictId, place, toConflictId, toPlace }]. Moves operations that a merge did not cover
-- behind the next conflict.
UPDATE held_operations h
SET conflict_id = m."toConflictId", place = m."toPlace"
FROM json_to_recordset($1::json) AS m (
  "workspaceId" text, "conflictId" uuid, place integer, "toConflictId" uuid, "toPlace" integer
)
WHERE h.workspace_id = m."workspaceId" AND h.conflict_id = m."conflictId" AND h.place = m.place
