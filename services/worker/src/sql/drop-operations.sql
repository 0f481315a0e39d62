-- $1 retention in days, $2 the time to continue from, $3 most rows. Returns the number of dropped rows, and the
-- time that was reached.
-- A ledger row stays a day longer than the retention: an operation accepted just before its end may still be on its
-- lane. If the client id is a UUIDv7, its own time counts, too: an id that the ledger no longer has is then refused
-- by its age, even one from a clock that was ahead. The time that was reached is noted, because the retention may
-- become longer.
-- Pending rows stay, and rows behind an unresolved conflict: they get their results once it is resolved. A row that
-- a drain is writing to is left for the next run.
WITH old AS (
  SELECT o.workspace_id, o.device_id, o.client_id, o.settled_at, id.made_at_ms
  FROM operations o
  CROSS JOIN LATERAL (
    SELECT CASE
      WHEN o.client_id ~* '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
      THEN ('x' || left(replace(o.client_id, '-', ''), 12))::bit(48)::bigint
    END AS made_at_ms
  ) id
  WHERE o.settled_at >= $2::timestamptz AND o.settled_at < now() - ($1 + 1) * interval '24 hours'
    AND o.status <> 'pending'
    AND (id.made_at_ms IS NULL OR to_timestamp(id.made_at_ms / 1000.0) < now() - ($1 + 1) * interval '24 hours')
    AND (
      o.conflict_id IS NULL
      OR NOT EXISTS (
        SELECT FROM conflicts c
        WHERE c.workspace_id = o.workspace_id AND c.conflict_id = o.conflict_id AND c.status IN ('open', 'parked')
      )
    )
  ORDER BY o.settled_at
  LIMIT $3::integer
  FOR UPDATE OF o SKIP LOCKED
), dropped AS (
  DELETE FROM operations o
  USING old
  WHERE o.workspace_id = old.workspace_id AND o.device_id = old.device_id AND o.client_id = old.client_id
)
SELECT count(*) AS dropped, max(settled_at)::text AS reached, note_ledger_dropped(max(made_at_ms)) FROM old
