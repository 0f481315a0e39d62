-- $1 [{ workspaceId, expectedRevision, seq }], in id order, so that two drains lock in the same order. Advances
-- every workspace, or fails (SYN01) if another drain has committed since the plan was made. Runs first: its row
-- locks block every other commit to these workspaces, so that commit order is seq order.
WITH planned AS (
  SELECT * FROM json_to_recordset($1::json) AS w ("workspaceId" text, "expectedRevision" bigint, seq bigint)
), moved AS (
  INSERT INTO workspaces AS w (workspace_id, seq, revision)
  SELECT "workspaceId", seq, "expectedRevision" + 1
  FROM planned
  ON CONFLICT (workspace_id) DO UPDATE SET seq = excluded.seq, revision = excluded.revision
  WHERE w.revision = excluded.revision - 1
  RETURNING 1
)
SELECT assert_workspaces_current((SELECT count(*) FROM planned), (SELECT count(*) FROM moved))
