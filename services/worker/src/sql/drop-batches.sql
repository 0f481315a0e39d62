-- $1 retention in days, $2 the time to continue from, $3 most rows. Returns the number of dropped rows, and the
-- time that was reached.
WITH old AS (
  SELECT workspace_id, batch_id, drained_at
  FROM batches
  WHERE drained_at >= $2::timestamptz AND drained_at < now() - $1 * interval '24 hours'
  ORDER BY drained_at
  LIMIT $3::integer
  FOR UPDATE SKIP LOCKED
), dropped AS (
  DELETE FROM batches b
  USING old
  WHERE b.workspace_id = old.workspace_id AND b.batch_id = old.batch_id
)
SELECT count(*) AS dropped, max(drained_at)::text AS reached FROM old
