-- What each service may do, and a wall between workspaces that holds whatever a query forgets.
--
-- Roles belong to the server, so they may be there already: an administrator makes them with a password (npm run roles),
-- and where whoever migrates may make roles, they are made here, without one. A service that connects as the owner of the
-- tables, or as a superuser, meets neither the grants nor the wall.
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['syncline_ingest', 'syncline_conflict', 'syncline_worker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- another database of this server is being migrated, too
      END;
    END IF;
  END LOOP;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO syncline_ingest, syncline_conflict, syncline_worker', current_schema());
END $$;

-- Exactly what the statements of each service need.
GRANT SELECT ON schema_migrations TO syncline_ingest, syncline_conflict, syncline_worker;

GRANT SELECT ON workspaces, documents, changes, operations, batches, conflicts, held_operations TO syncline_ingest;
GRANT SELECT, INSERT ON devices TO syncline_ingest;

GRANT SELECT ON documents, changes, conflicts, held_operations, decisions TO syncline_conflict;

GRANT SELECT, INSERT, UPDATE ON workspaces, documents TO syncline_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON changes, operations, conflicts, held_operations TO syncline_worker;
-- To lock a row takes the right to update it.
GRANT SELECT, INSERT, UPDATE, DELETE ON batches TO syncline_worker;
GRANT SELECT, INSERT, DELETE ON decisions TO syncline_worker;

-- The workspaces that the transaction in hand may see, as an array's text; without the setting none.
CREATE FUNCTION workspaces_in_reach() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('syncline.workspaces', true), '')::text[];

-- Services that answer requests see the workspaces of the request's token. The worker's statements span workspaces.
-- The subquery is evaluated once a statement, not once a row.
DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY[
    'workspaces', 'documents', 'changes', 'operations', 'batches', 'conflicts', 'held_operations', 'decisions', 'devices'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format(
      'CREATE POLICY in_reach ON %I TO syncline_ingest, syncline_conflict '
      'USING (workspace_id = ANY ((SELECT workspaces_in_reach())::text[]))',
      table_name
    );
    EXECUTE format('CREATE POLICY everywhere ON %I TO syncline_worker USING (true)', table_name);
  END LOOP;
END $$;

-- What spans workspaces for the services that answer requests: these functions and nothing else. They run with the rights
-- of the tables' owner, and give keys and counts, never content.

-- The runs behind unsettled conflicts that nothing more is accepted for. The numbers are those of the index
-- conflicts_full.
CREATE FUNCTION list_full_runs()
RETURNS TABLE (workspace_id text, device_id text, collection text, document_id text, conflict_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.workspace_id, c.device_id, c.collection, c.document_id, c.conflict_id
  FROM conflicts c
  WHERE c.status IN ('open', 'parked') AND (c.operation_count >= 1000 OR c.operation_bytes >= 16777216)
$$;

-- Open conflicts whose round began so long ago, the longest backoff of their round apart.
CREATE FUNCTION list_quiet_conflicts(quiet_ms bigint, most integer, backoff_ms_min float8, backoff_ms_max float8)
RETURNS TABLE (workspace_id text, conflict_id uuid, round integer, trace jsonb)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.workspace_id, c.conflict_id, c.round, c.trace
  FROM conflicts c
  WHERE c.status = 'open' AND c.round_at < now() - (quiet_ms + CASE
      WHEN c.round = 1 THEN 0 ELSE least(backoff_ms_max, backoff_ms_min * 2 ^ (c.round - 2)) END) * interval '1 millisecond'
  ORDER BY c.round_at
  LIMIT most
$$;

-- How many conflicts are being merged or wait for a person, and how many operations wait behind them.
CREATE FUNCTION count_unsettled_conflicts() RETURNS TABLE (status text, conflicts bigint, operations bigint)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.status, count(*), sum(c.operation_count)
  FROM conflicts c
  WHERE c.status IN ('open', 'parked')
  GROUP BY c.status
$$;

-- Stores the number of lanes at the first start, notes which server, and which of its timelines, this database's history
-- is on, and gives all settings. Where that was another one at the last start, the database was restored, and what
-- clients know of it may not be so: the epoch becomes a new one.
CREATE FUNCTION claim_settings(lanes integer) RETURNS TABLE (name text, value text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO settings (name, value) VALUES ('lanes', claim_settings.lanes::text) ON CONFLICT DO NOTHING;
  WITH here AS (
    SELECT s.system_identifier || '/' || c.timeline_id AS history
    FROM pg_control_system() s, pg_control_checkpoint() c
  ), noted AS (
    INSERT INTO settings AS s (name, value)
    SELECT 'history', history FROM here
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    WHERE s.value <> excluded.value
    -- Only a row that was there before has an xmax.
    RETURNING s.xmax <> 0 AS is_restored
  )
  UPDATE settings SET value = gen_random_uuid()::text
  WHERE name = 'epoch' AND EXISTS (SELECT 1 FROM noted WHERE is_restored);
  RETURN QUERY SELECT s.name, s.value FROM settings s;
END $$;

-- What runs with the owner's rights must find the owner's tables, whatever the caller has put in front.
DO $$
DECLARE function_name text;
BEGIN
  FOREACH function_name IN ARRAY ARRAY[
    'list_full_runs()', 'list_quiet_conflicts(bigint, integer, float8, float8)', 'count_unsettled_conflicts()',
    'claim_settings(integer)'
  ] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', function_name, current_schema());
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function_name);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION list_full_runs() TO syncline_ingest;
GRANT EXECUTE ON FUNCTION list_quiet_conflicts(bigint, integer, float8, float8) TO syncline_conflict;
GRANT EXECUTE ON FUNCTION count_unsettled_conflicts() TO syncline_conflict;
GRANT EXECUTE ON FUNCTION claim_settings(integer) TO syncline_ingest, syncline_conflict, syncline_worker;
