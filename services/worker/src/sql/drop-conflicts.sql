-- $1 retention in days, $2 the time to continue from, $3 most rows. Returns the number of dropped rows, and the
-- time that was reached. Drops resolved and reported conflicts only, with the operations that each holds and the
-- decisions on it.
WITH old AS (
  SELECT workspace_id, conflict_id, updated_at
  FROM conflicts
  WHERE status IN ('resolved', 'reported')
    AND updated_at >= $2::timestamptz AND updated_at < now() - $1 * interval '24 hours'
  ORDER BY updated_at
  LIMIT $3::integer
  FOR UPDATE SKIP LOCKED
), held AS (
  DELETE FROM held_operations h
  USING old
  WHERE h.workspace_id = old.workspace_id AND h.conflict_id = old.conflict_id
), decided AS (
  DELETE FROM decisions d
  USING old
  WHERE d.workspace_id = old.workspace_id AND d.conflict_id = old.conflict_id
), dropped AS (
  DELETE FROM conflicts c
  USING old
  WHERE c.workspace_id = old.workspace_id AND c.conflict_id = old.conflict_id
)
SELECT count(*) AS dropped, max(updated_at)::text AS reached FROM old
