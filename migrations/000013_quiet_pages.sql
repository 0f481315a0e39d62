-- The sweep for conflicts goes through all that are quiet, page by page: those of a lane that stands still stay quiet for as
-- long as it does, and must not hide the ones behind them.

-- As the function before it, which the version before this one calls, and in the order of time and id, from a place on. Many
-- conflicts share the time of their transaction, so the time alone is no place.
CREATE FUNCTION list_quiet_conflicts(
  quiet_ms bigint, most integer, backoff_ms_min float8, backoff_ms_max float8, after_round_at timestamptz, after_id uuid
) RETURNS TABLE (workspace_id text, conflict_id uuid, round integer, trace jsonb, round_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.workspace_id, c.conflict_id, c.round, c.trace, c.round_at
  FROM conflicts c
  WHERE c.status = 'open' AND c.round_at < now() - (quiet_ms + CASE
      WHEN c.round = 1 THEN 0 ELSE least(backoff_ms_max, backoff_ms_min * 2 ^ (c.round - 2)) END) * interval '1 millisecond'
    AND (c.round_at, c.conflict_id) > (after_round_at, after_id)
  ORDER BY c.round_at, c.conflict_id
  LIMIT most
$$;

DO $$ BEGIN
  EXECUTE format(
    'ALTER FUNCTION list_quiet_conflicts(bigint, integer, float8, float8, timestamptz, uuid) SET search_path = %I, pg_temp',
    current_schema()
  );
END $$;
REVOKE EXECUTE ON FUNCTION list_quiet_conflicts(bigint, integer, float8, float8, timestamptz, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION list_quiet_conflicts(bigint, integer, float8, float8, timestamptz, uuid) TO syncline_conflict;
