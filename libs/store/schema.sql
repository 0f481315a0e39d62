-- The schema that the migrations lead to, to be read. Written by npm run schema, compared by npm test.

CREATE TABLE batches (
  workspace_id text NOT NULL,
  batch_id uuid NOT NULL,
  device_id text NOT NULL,
  subject text NOT NULL,
  atomic boolean NOT NULL,
  results json NOT NULL,
  accepted_at timestamp with time zone NOT NULL,
  drained_at timestamp with time zone NOT NULL,
  CONSTRAINT batches_pkey PRIMARY KEY (workspace_id, batch_id)
);

CREATE INDEX batches_drained ON batches USING btree (drained_at);

ALTER TABLE batches ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON batches FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON batches FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT SELECT ON batches TO syncline_ingest;

GRANT DELETE, INSERT, SELECT, UPDATE ON batches TO syncline_worker;

CREATE TABLE changes (
  workspace_id text NOT NULL,
  seq bigint NOT NULL,
  collection text NOT NULL,
  document_id text NOT NULL,
  first_version bigint NOT NULL,
  version bigint NOT NULL,
  deleted boolean NOT NULL,
  data jsonb,
  ended jsonb,
  device_id text,
  client_timestamp timestamp with time zone,
  edit_times jsonb,
  committed_at timestamp with time zone NOT NULL,
  revision bigint NOT NULL,
  group_end_seq bigint,
  CONSTRAINT changes_pkey PRIMARY KEY (workspace_id, seq)
);

CREATE INDEX changes_of_document ON changes USING btree (workspace_id, collection, document_id, version);

ALTER TABLE changes ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON changes FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON changes FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT SELECT ON changes TO syncline_conflict;

GRANT SELECT ON changes TO syncline_ingest;

GRANT DELETE, INSERT, SELECT, UPDATE ON changes TO syncline_worker;

CREATE TABLE conflicts (
  workspace_id text NOT NULL,
  conflict_id uuid NOT NULL,
  collection text NOT NULL,
  document_id text NOT NULL,
  device_id text NOT NULL,
  device_declared boolean NOT NULL,
  status text NOT NULL,
  strategy text NOT NULL,
  round integer NOT NULL,
  round_at timestamp with time zone NOT NULL DEFAULT now(),
  base_version bigint,
  seen_version bigint,
  current_version bigint NOT NULL,
  ancestor jsonb,
  device_view jsonb,
  ancestor_view jsonb,
  remote_view jsonb,
  local_view jsonb,
  views_kept boolean NOT NULL DEFAULT true,
  operation_count integer NOT NULL,
  operation_bytes bigint NOT NULL,
  result jsonb,
  overlap_list jsonb,
  two_way boolean,
  hook text,
  reason text,
  refused_entry_id text,
  resolved_version bigint,
  resolved_seq bigint,
  revision bigint NOT NULL,
  trace jsonb NOT NULL,
  opened_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  resolved_at timestamp with time zone,
  CONSTRAINT conflicts_pkey PRIMARY KEY (workspace_id, conflict_id),
  CONSTRAINT conflicts_hook_check CHECK ((hook = ANY (ARRAY['due'::text, 'resolved'::text, 'deferred'::text, 'asked'::text, 'failed'::text, 'skipped'::text]))),
  CONSTRAINT conflicts_status_check CHECK ((status = ANY (ARRAY['open'::text, 'parked'::text, 'reported'::text, 'resolved'::text])))
);

CREATE INDEX conflicts_followed ON conflicts USING btree (workspace_id, revision);

CREATE INDEX conflicts_full ON conflicts USING btree (workspace_id, conflict_id) WHERE ((status = ANY (ARRAY['open'::text, 'parked'::text])) AND ((operation_count >= 1000) OR (operation_bytes >= 16777216)));

CREATE INDEX conflicts_of_device ON conflicts USING btree (workspace_id, collection, document_id, device_id, resolved_version);

CREATE INDEX conflicts_open ON conflicts USING btree (round_at) WHERE (status = 'open'::text);

CREATE INDEX conflicts_reported ON conflicts USING btree (workspace_id, collection, document_id, device_id, ((split_part(refused_entry_id, '-'::text, 1))::bigint), ((split_part(refused_entry_id, '-'::text, 2))::bigint)) WHERE (refused_entry_id IS NOT NULL);

CREATE INDEX conflicts_settled ON conflicts USING btree (updated_at) WHERE (status = ANY (ARRAY['resolved'::text, 'reported'::text]));

CREATE UNIQUE INDEX conflicts_unsettled ON conflicts USING btree (workspace_id, collection, document_id, device_id) WHERE (status = ANY (ARRAY['open'::text, 'parked'::text]));

ALTER TABLE conflicts ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON conflicts FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON conflicts FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT SELECT ON conflicts TO syncline_conflict;

GRANT SELECT ON conflicts TO syncline_ingest;

GRANT DELETE, INSERT, SELECT, UPDATE ON conflicts TO syncline_worker;

CREATE TABLE decisions (
  workspace_id text NOT NULL,
  conflict_id uuid NOT NULL,
  revision bigint NOT NULL,
  choice text NOT NULL,
  subject text NOT NULL,
  client_id text NOT NULL,
  decided_at timestamp with time zone NOT NULL,
  replaced_version bigint NOT NULL,
  replaced jsonb,
  version bigint NOT NULL,
  CONSTRAINT decisions_pkey PRIMARY KEY (workspace_id, conflict_id, revision),
  CONSTRAINT decisions_choice_check CHECK ((choice = ANY (ARRAY['server'::text, 'local'::text, 'merged'::text, 'data'::text])))
);

ALTER TABLE decisions ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON decisions FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON decisions FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT SELECT ON decisions TO syncline_conflict;

GRANT DELETE, INSERT, SELECT ON decisions TO syncline_worker;

CREATE TABLE devices (
  workspace_id text NOT NULL,
  device_id text NOT NULL,
  subject text NOT NULL,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT devices_pkey PRIMARY KEY (workspace_id, device_id)
);

ALTER TABLE devices ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON devices FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON devices FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT INSERT, SELECT ON devices TO syncline_ingest;

CREATE TABLE documents (
  workspace_id text NOT NULL,
  collection text NOT NULL,
  document_id text NOT NULL,
  version bigint NOT NULL,
  seq bigint NOT NULL,
  deleted boolean NOT NULL,
  data jsonb,
  writer_device_id text NOT NULL,
  run_base_version bigint NOT NULL,
  client_timestamp timestamp with time zone,
  updated_at timestamp with time zone NOT NULL,
  CONSTRAINT documents_pkey PRIMARY KEY (workspace_id, collection, document_id),
  CONSTRAINT documents_check CHECK ((deleted = (data IS NULL)))
) WITH (fillfactor=85);

ALTER TABLE documents ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON documents FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON documents FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT SELECT ON documents TO syncline_conflict;

GRANT SELECT ON documents TO syncline_ingest;

GRANT INSERT, SELECT, UPDATE ON documents TO syncline_worker;

CREATE TABLE held_operations (
  workspace_id text NOT NULL,
  conflict_id uuid NOT NULL,
  place integer NOT NULL,
  client_id text NOT NULL,
  batch_id uuid NOT NULL,
  operation jsonb NOT NULL,
  CONSTRAINT held_operations_pkey PRIMARY KEY (workspace_id, conflict_id, place)
);

ALTER TABLE held_operations ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON held_operations FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON held_operations FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT SELECT ON held_operations TO syncline_conflict;

GRANT SELECT ON held_operations TO syncline_ingest;

GRANT DELETE, INSERT, SELECT, UPDATE ON held_operations TO syncline_worker;

CREATE TABLE operations (
  workspace_id text NOT NULL,
  device_id text NOT NULL,
  client_id text NOT NULL,
  batch_id uuid NOT NULL,
  fingerprint text NOT NULL,
  operation text NOT NULL,
  collection text NOT NULL,
  document_id text NOT NULL,
  status text NOT NULL,
  version bigint,
  seq bigint,
  merged boolean NOT NULL,
  decided text,
  overlap_count integer,
  rounds integer,
  error text,
  error_type text,
  content json,
  expected_version bigint,
  current_version bigint,
  conflict_id uuid,
  conflict_status text,
  subject text NOT NULL,
  request_id text NOT NULL,
  trace_id text,
  accepted_at timestamp with time zone NOT NULL,
  settled_at timestamp with time zone,
  settled_revision bigint,
  CONSTRAINT operations_pkey PRIMARY KEY (workspace_id, device_id, client_id),
  CONSTRAINT operations_conflict_status_check CHECK ((conflict_status = ANY (ARRAY['open'::text, 'parked'::text, 'reported'::text]))),
  CONSTRAINT operations_decided_check CHECK ((decided = ANY (ARRAY['server'::text, 'local'::text, 'merged'::text, 'data'::text]))),
  CONSTRAINT operations_status_check CHECK ((status = ANY (ARRAY['success'::text, 'conflict'::text, 'error'::text, 'skipped'::text, 'pending'::text])))
);

CREATE INDEX operations_of_conflict ON operations USING btree (workspace_id, conflict_id) WHERE (conflict_id IS NOT NULL);

CREATE INDEX operations_of_device ON operations USING btree (workspace_id, device_id, settled_revision) WHERE (settled_revision IS NOT NULL);

CREATE INDEX operations_settled ON operations USING btree (settled_at) WHERE (settled_at IS NOT NULL);

CREATE INDEX operations_unwell ON operations USING btree (workspace_id, status, accepted_at, device_id, client_id) WHERE (status <> 'success'::text);

ALTER TABLE operations ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON operations FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON operations FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT SELECT ON operations TO syncline_ingest;

GRANT DELETE, INSERT, SELECT, UPDATE ON operations TO syncline_worker;

CREATE TABLE schema_migrations (
  name text NOT NULL,
  content_hash text NOT NULL,
  applied_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT schema_migrations_pkey PRIMARY KEY (name)
);

GRANT SELECT ON schema_migrations TO syncline_conflict;

GRANT SELECT ON schema_migrations TO syncline_ingest;

GRANT SELECT ON schema_migrations TO syncline_worker;

CREATE TABLE settings (
  name text NOT NULL,
  value text NOT NULL,
  CONSTRAINT settings_pkey PRIMARY KEY (name)
);

CREATE TABLE workspaces (
  workspace_id text NOT NULL,
  seq bigint NOT NULL,
  revision bigint NOT NULL,
  feed_from bigint NOT NULL DEFAULT 0,
  history_checked_to bigint NOT NULL DEFAULT 0,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT workspaces_pkey PRIMARY KEY (workspace_id)
);

ALTER TABLE workspaces ENABLE ROW LEVEL SECURITY;

CREATE POLICY everywhere ON workspaces FOR ALL TO syncline_worker USING (true);

CREATE POLICY visible ON workspaces FOR ALL TO syncline_conflict, syncline_ingest USING ((workspace_id IN ( SELECT unnest(visible_workspaces()) AS unnest)));

GRANT SELECT ON workspaces TO syncline_ingest;

GRANT INSERT, SELECT, UPDATE ON workspaces TO syncline_worker;

CREATE OR REPLACE FUNCTION assert_documents_written(planned bigint, written bigint)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF planned <> written THEN
    RAISE EXCEPTION 'planned % documents, % could be written', planned, written USING ERRCODE = 'SYN02';
  END IF;
END $function$
;

GRANT EXECUTE ON FUNCTION assert_documents_written(bigint,bigint) TO PUBLIC;

CREATE OR REPLACE FUNCTION assert_workspaces_current(planned bigint, moved bigint)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
BEGIN
  IF planned <> moved THEN
    RAISE EXCEPTION 'planned for % workspaces, % were still current', planned, moved USING ERRCODE = 'SYN01';
  END IF;
END $function$
;

GRANT EXECUTE ON FUNCTION assert_workspaces_current(bigint,bigint) TO PUBLIC;

CREATE OR REPLACE FUNCTION claim_settings(lanes integer)
 RETURNS TABLE(name text, value text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
BEGIN
  INSERT INTO settings (name, value) VALUES ('lanes', claim_settings.lanes::text) ON CONFLICT DO NOTHING;
  WITH noted AS (
    INSERT INTO settings AS s (name, value)
    VALUES ('history', server_history())
    ON CONFLICT (name) DO UPDATE SET value = excluded.value
    WHERE s.value <> excluded.value
    -- Only an existing row has an xmax.
    RETURNING s.xmax <> 0 AS is_restored
  )
  UPDATE settings SET value = gen_random_uuid()::text
  WHERE name = 'epoch' AND EXISTS (SELECT 1 FROM noted WHERE is_restored);
  RETURN QUERY SELECT s.name, s.value FROM settings s;
END $function$
;

GRANT EXECUTE ON FUNCTION claim_settings(integer) TO syncline_conflict;

GRANT EXECUTE ON FUNCTION claim_settings(integer) TO syncline_ingest;

GRANT EXECUTE ON FUNCTION claim_settings(integer) TO syncline_worker;

CREATE OR REPLACE FUNCTION claim_settings(lanes integer, shards integer)
 RETURNS TABLE(name text, value text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
#variable_conflict use_column
BEGIN
  INSERT INTO settings (name, value) VALUES ('shards', claim_settings.shards::text) ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT s.name, s.value FROM claim_settings(claim_settings.lanes) s;
END $function$
;

GRANT EXECUTE ON FUNCTION claim_settings(integer,integer) TO syncline_conflict;

GRANT EXECUTE ON FUNCTION claim_settings(integer,integer) TO syncline_ingest;

GRANT EXECUTE ON FUNCTION claim_settings(integer,integer) TO syncline_worker;

CREATE OR REPLACE FUNCTION count_unsettled_conflicts()
 RETURNS TABLE(status text, conflicts bigint, operations bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  SELECT c.status, count(*), sum(c.operation_count)
  FROM conflicts c
  WHERE c.status IN ('open', 'parked')
  GROUP BY c.status
$function$
;

GRANT EXECUTE ON FUNCTION count_unsettled_conflicts() TO syncline_conflict;

CREATE OR REPLACE FUNCTION current_epoch()
 RETURNS TABLE(epoch text, history text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  SELECT (SELECT s.value FROM settings s WHERE s.name = 'epoch'), server_history()
$function$
;

GRANT EXECUTE ON FUNCTION current_epoch() TO syncline_conflict;

GRANT EXECUTE ON FUNCTION current_epoch() TO syncline_ingest;

GRANT EXECUTE ON FUNCTION current_epoch() TO syncline_worker;

CREATE OR REPLACE FUNCTION ledger_dropped_to()
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  RETURN (SELECT value::bigint FROM settings WHERE name = 'ledger_dropped_to');
END $function$
;

GRANT EXECUTE ON FUNCTION ledger_dropped_to() TO syncline_worker;

CREATE OR REPLACE FUNCTION list_full_held_queues()
 RETURNS TABLE(workspace_id text, device_id text, collection text, document_id text, conflict_id uuid)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  SELECT c.workspace_id, c.device_id, c.collection, c.document_id, c.conflict_id
  FROM conflicts c
  WHERE c.status IN ('open', 'parked') AND (c.operation_count >= 1000 OR c.operation_bytes >= 16777216)
$function$
;

GRANT EXECUTE ON FUNCTION list_full_held_queues() TO syncline_ingest;

CREATE OR REPLACE FUNCTION list_stalled_conflicts(stalled_ms bigint, most integer, backoff_ms_min double precision, backoff_ms_max double precision)
 RETURNS TABLE(workspace_id text, conflict_id uuid, round integer, trace jsonb)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  SELECT c.workspace_id, c.conflict_id, c.round, c.trace
  FROM conflicts c
  WHERE c.status = 'open' AND c.round_at < now() - (stalled_ms + CASE
      WHEN c.round = 1 THEN 0 ELSE least(backoff_ms_max, backoff_ms_min * 2 ^ (c.round - 2)) END) * interval '1 millisecond'
  ORDER BY c.round_at
  LIMIT most
$function$
;

GRANT EXECUTE ON FUNCTION list_stalled_conflicts(bigint,integer,double precision,double precision) TO syncline_conflict;

CREATE OR REPLACE FUNCTION list_stalled_conflicts(stalled_ms bigint, most integer, backoff_ms_min double precision, backoff_ms_max double precision, after_round_at timestamp with time zone, after_id uuid)
 RETURNS TABLE(workspace_id text, conflict_id uuid, round integer, trace jsonb, round_at timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  SELECT c.workspace_id, c.conflict_id, c.round, c.trace, c.round_at
  FROM conflicts c
  WHERE c.status = 'open' AND c.round_at < now() - (stalled_ms + CASE
      WHEN c.round = 1 THEN 0 ELSE least(backoff_ms_max, backoff_ms_min * 2 ^ (c.round - 2)) END) * interval '1 millisecond'
    AND (c.round_at, c.conflict_id) > (after_round_at, after_id)
  ORDER BY c.round_at, c.conflict_id
  LIMIT most
$function$
;

GRANT EXECUTE ON FUNCTION list_stalled_conflicts(bigint,integer,double precision,double precision,timestamp with time zone,uuid) TO syncline_conflict;

CREATE OR REPLACE FUNCTION note_ledger_dropped(dropped_to bigint)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
  INSERT INTO settings AS s (name, value)
  SELECT 'ledger_dropped_to', dropped_to::text WHERE dropped_to IS NOT NULL
  ON CONFLICT (name) DO UPDATE SET value = greatest(s.value::bigint, excluded.value::bigint)::text
$function$
;

GRANT EXECUTE ON FUNCTION note_ledger_dropped(bigint) TO syncline_worker;

CREATE OR REPLACE FUNCTION server_history()
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'this server is a standby' USING ERRCODE = 'read_only_sql_transaction';
  END IF;
  RETURN (
    SELECT s.system_identifier || '/' || greatest(c.timeline_id, r.min_recovery_end_timeline)
    FROM pg_control_system() s, pg_control_recovery() r, pg_control_checkpoint() c
  );
END $function$
;

CREATE OR REPLACE FUNCTION version_seen(of_workspace text, of_collection text, of_document text, named bigint, by_device text, seen_until bigint)
 RETURNS bigint
 LANGUAGE sql
 STABLE
AS $function$
  SELECT version
  FROM (
    SELECT
      version,
      (device_id = by_device) IS TRUE AS own,
      first_value(first_version) OVER since AS start_first,
      first_value((device_id = by_device) IS TRUE) OVER since AS start_own,
      lead(version) OVER since AS next_version,
      lead(first_version) OVER since AS next_first,
      lead((device_id = by_device) IS TRUE) OVER since AS next_own
    FROM changes
    WHERE workspace_id = of_workspace AND collection = of_collection AND document_id = of_document AND version >= named
    WINDOW since AS (ORDER BY version)
  ) change
  WHERE (start_first <= named OR (start_own AND start_first = named + 1))
    AND ((version > named AND NOT own) OR next_own IS NOT TRUE OR next_first > version + 1 OR next_version > seen_until)
  ORDER BY version
  LIMIT 1
$function$
;

GRANT EXECUTE ON FUNCTION version_seen(text,text,text,bigint,text,bigint) TO PUBLIC;

CREATE OR REPLACE FUNCTION visible_workspaces()
 RETURNS text[]
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN (NULLIF(current_setting('syncline.workspaces'::text, true), ''::text))::text[]
;

GRANT EXECUTE ON FUNCTION visible_workspaces() TO PUBLIC;
