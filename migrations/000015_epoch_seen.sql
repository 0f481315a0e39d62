-- Processes that run see a new epoch, too, and a standby is seen to be promoted at once.

-- The server that this database is on, and which of its timelines. A standby that was promoted names its new timeline first
-- as where its recovery ends, and in its checkpoint only after the next one, minutes later. What is read on a standby can
-- change under the connection.
CREATE FUNCTION server_history() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (
    SELECT s.system_identifier || '/' || greatest(c.timeline_id, r.min_recovery_end_timeline)
    FROM pg_control_system() s, pg_control_recovery() r, pg_control_checkpoint() c
  );
END $$;

-- As before, but for where the history is read.
CREATE OR REPLACE FUNCTION claim_settings(lanes integer) RETURNS TABLE (name text, value text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO settings (name, value) VALUES ('lanes', claim_settings.lanes::text) ON CONFLICT DO NOTHING;
  WITH noted AS (
    INSERT INTO settings AS s (name, value)
    VALUES ('history', server_history())
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    WHERE s.value <> excluded.value
    -- Only a row that was there before has an xmax.
    RETURNING s.xmax <> 0 AS is_restored
  )
  UPDATE settings SET value = gen_random_uuid()::text
  WHERE name = 'epoch' AND EXISTS (SELECT 1 FROM noted WHERE is_restored);
  RETURN QUERY SELECT s.name, s.value FROM settings s;
END $$;

-- What a process that runs compares with what it claimed at its start.
CREATE FUNCTION current_epoch() RETURNS TABLE (epoch text, history text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT (SELECT s.value FROM settings s WHERE s.name = 'epoch'), server_history()
$$;

DO $$
DECLARE function_name text;
BEGIN
  FOREACH function_name IN ARRAY ARRAY['server_history()', 'claim_settings(integer)', 'current_epoch()'] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', function_name, current_schema());
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function_name);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION current_epoch() TO syncline_ingest, syncline_conflict, syncline_worker;
