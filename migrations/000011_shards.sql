-- Lanes are spread over shards, so that a Redis Cluster's masters share the work. Their number is stored like that of lanes.

-- Whoever has run before had all lanes in one.
INSERT INTO settings (name, value) SELECT 'shards', '1' FROM settings WHERE name = 'lanes';

-- As the function before it, which the version before this one calls; stores the number of shards at the first start, too.
CREATE FUNCTION claim_settings(lanes integer, shards integer) RETURNS TABLE (name text, value text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO settings (name, value) VALUES ('shards', claim_settings.shards::text) ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT s.name, s.value FROM claim_settings(claim_settings.lanes) s;
END $$;

DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION claim_settings(integer, integer) SET search_path = %I, pg_temp', current_schema());
END $$;
REVOKE EXECUTE ON FUNCTION claim_settings(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_settings(integer, integer) TO syncline_ingest, syncline_conflict, syncline_worker;
