-- How far the ledger was dropped: the time in the youngest UUIDv7 of an operation that it has forgotten, in milliseconds. The
-- retention that is configured may be longer by now than the one that operation went by.

-- NULL where none was dropped.
CREATE FUNCTION ledger_dropped_to() RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
  RETURN (SELECT value::bigint FROM settings WHERE name = 'ledger_dropped_to');
END $$;

CREATE FUNCTION note_ledger_dropped(dropped_to bigint) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
  INSERT INTO settings AS s (name, value)
  SELECT 'ledger_dropped_to', dropped_to::text WHERE dropped_to IS NOT NULL
  ON CONFLICT (name) DO UPDATE SET value = greatest(s.value::bigint, excluded.value::bigint)::text
$$;

DO $$
DECLARE function_name text;
BEGIN
  FOREACH function_name IN ARRAY ARRAY['ledger_dropped_to()', 'note_ledger_dropped(bigint)'] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', function_name, current_schema());
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function_name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO syncline_worker', function_name);
  END LOOP;
END $$;
