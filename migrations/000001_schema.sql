-- The schema of Syncline: tables, functions, roles and tenant isolation. Every key leads with workspace_id, so that tables
-- can be partitioned or distributed by workspace.

-- ---------------------------------------------------------------------------------------------------------------------
-- Tables
-- ---------------------------------------------------------------------------------------------------------------------

-- Facts about the whole database: 'epoch' is the identity of its history, 'history' the server and timeline that
-- history was last seen on, 'lanes' and 'shards' are the numbers of the first start, 'ledger_dropped_to' is the time in
-- the youngest UUIDv7 that retention has dropped from the ledger.
CREATE TABLE settings (
  name  text PRIMARY KEY,
  value text NOT NULL
);
INSERT INTO settings (name, value) VALUES ('epoch', gen_random_uuid()::text);

-- The tenants.
CREATE TABLE workspaces (
  workspace_id       text PRIMARY KEY,
  -- The change counter: every committed change gets the next number.
  seq                bigint NOT NULL,
  -- Increases with every commit to the workspace, with or without changes. A drain that read an older revision has
  -- planned on stale state and starts again.
  revision           bigint NOT NULL,
  -- Changes up to this seq have been dropped: a reader whose since is below starts again from a snapshot. The transaction
  -- that drops changes moves it.
  feed_from          bigint NOT NULL DEFAULT 0,
  -- Retention has dropped the older changes that the changes up to this seq superseded.
  history_checked_to bigint NOT NULL DEFAULT 0,
  created_at         timestamptz NOT NULL DEFAULT now()
);

-- A device belongs to the first subject that used it.
CREATE TABLE devices (
  workspace_id text NOT NULL,
  device_id    text NOT NULL,
  subject      text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, device_id)
);

-- The current state of every document. Tombstones stay; their data is NULL. Each page reserves space (fillfactor), so
-- that a document's next version fits beside the previous one and no index changes.
CREATE TABLE documents (
  workspace_id     text NOT NULL,
  collection       text NOT NULL,
  document_id      text NOT NULL,
  version          bigint NOT NULL,
  seq              bigint NOT NULL,
  deleted          boolean NOT NULL,
  data             jsonb,
  -- This device wrote every change after run_base_version: an expected version is matched against both.
  writer_device_id text NOT NULL,
  run_base_version bigint NOT NULL,
  -- The time that the writing device gave, if any: last-write-wins compares it.
  client_timestamp timestamptz,
  updated_at       timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, collection, document_id),
  CHECK (deleted = (data IS NULL))
) WITH (fillfactor = 85);

-- One row for each committed change: the feed that clients follow, and the history that merges read.
CREATE TABLE changes (
  workspace_id     text NOT NULL,
  seq              bigint NOT NULL,
  collection       text NOT NULL,
  document_id      text NOT NULL,
  -- A change that folds several operations holds the versions first_version to version.
  first_version    bigint NOT NULL,
  version          bigint NOT NULL,
  deleted          boolean NOT NULL,
  data             jsonb,
  -- The content before a deletion, if one change holds both: a device that edits the document still needs it as the
  -- ancestor.
  ended            jsonb,
  -- NULL if the writer declared no device.
  device_id        text,
  client_timestamp timestamptz,
  -- The times of the edits by position in the document, for merges and for folds of several operations. NULL: each
  -- position that differs from the previous change was edited at client_timestamp.
  edit_times       jsonb,
  committed_at     timestamptz NOT NULL,
  -- The workspace's revision of the commit, with which the operations that it settled are found.
  revision         bigint NOT NULL,
  -- The last change of the group that this change belongs to: a page of the feed never ends inside a group.
  group_end_seq    bigint,
  PRIMARY KEY (workspace_id, seq)
);
CREATE INDEX changes_of_document ON changes (workspace_id, collection, document_id, version);

-- The ledger: every operation's outcome. Its key makes a resend harmless.
CREATE TABLE operations (
  workspace_id     text NOT NULL,
  device_id        text NOT NULL,
  client_id        text NOT NULL,
  batch_id         uuid NOT NULL,
  fingerprint      text NOT NULL,
  operation        text NOT NULL,
  collection       text NOT NULL,
  document_id      text NOT NULL,
  status           text NOT NULL CHECK (status IN ('success', 'conflict', 'error', 'skipped', 'pending')),
  version          bigint,
  seq              bigint,
  merged           boolean NOT NULL,
  -- The choice of the person whose decision resolved it.
  decided          text CHECK (decided IN ('server', 'local', 'merged', 'data')),
  overlap_count    integer,
  rounds           integer,
  error            text,
  error_type       text,
  -- The operation as it was sent, if it ended as an error, so that it can be replayed once the cause is fixed.
  content          json,
  expected_version bigint,
  current_version  bigint,
  conflict_id      uuid,
  -- The conflict's status when the operation was answered with it.
  conflict_status  text CHECK (conflict_status IN ('open', 'parked', 'reported')),
  subject          text NOT NULL,
  request_id       text NOT NULL,
  trace_id         text,
  accepted_at      timestamptz NOT NULL,
  settled_at       timestamptz,
  -- The workspace's revision of the commit that wrote the outcome; NULL while the operation is pending.
  settled_revision bigint,
  PRIMARY KEY (workspace_id, device_id, client_id)
);
CREATE INDEX operations_of_conflict ON operations (workspace_id, conflict_id) WHERE conflict_id IS NOT NULL;
-- A device follows the outcomes of its operations in the order of their commits.
CREATE INDEX operations_of_device ON operations (workspace_id, device_id, settled_revision)
  WHERE settled_revision IS NOT NULL;
-- The listings of operations that failed or are pending, newest first. Successes are nearly all operations; they are
-- not in this index and add no cost.
CREATE INDEX operations_unwell ON operations (workspace_id, status, accepted_at, device_id, client_id)
  WHERE status <> 'success';
-- Retention takes the oldest first. The times are those of a transaction, so its rows share one entry of the index.
-- BRIN would be cheaper to write, but its ranges never narrow: once new rows fill the space of dropped ones, every range looks
-- old, and each search reads the whole table.
CREATE INDEX operations_settled ON operations (settled_at) WHERE settled_at IS NOT NULL;

-- The answers to batches. Results stand in the order of the request; those that are still pending here are read from the
-- ledger.
CREATE TABLE batches (
  workspace_id text NOT NULL,
  batch_id     uuid NOT NULL,
  device_id    text NOT NULL,
  subject      text NOT NULL,
  atomic       boolean NOT NULL,
  results      json NOT NULL,
  accepted_at  timestamptz NOT NULL,
  drained_at   timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, batch_id)
);
CREATE INDEX batches_drained ON batches (drained_at);

-- The conflict records. Each stands for one device's run of operations on one document: the operation that collided first,
-- and the device's later ones (held_operations).
CREATE TABLE conflicts (
  workspace_id     text NOT NULL,
  conflict_id      uuid NOT NULL,
  collection       text NOT NULL,
  document_id      text NOT NULL,
  device_id        text NOT NULL,
  device_declared  boolean NOT NULL,
  status           text NOT NULL CHECK (status IN ('open', 'parked', 'reported', 'resolved')),
  strategy         text NOT NULL,
  round            integer NOT NULL,
  -- The start of the round: operations that the device adds meanwhile do not make the round look younger to the sweep for
  -- lost rounds.
  round_at         timestamptz NOT NULL DEFAULT now(),
  -- The version that the device named; NULL if unknown.
  base_version     bigint,
  -- The newest version that the device had received while it made the run; NULL if unknown.
  seen_version     bigint,
  current_version  bigint NOT NULL,
  -- The ancestor that the device sent along.
  ancestor         jsonb,
  -- The document as the device saw it when it wrote more while an own operation was being merged; it then replaces the ancestor.
  device_view      jsonb,
  -- The three documents that the merge, or the decision, saw; local_view is the device's document after its run. They stay
  -- readable when the history is gone. If views_kept is false, NULL does not mean that there was no document.
  ancestor_view    jsonb,
  remote_view      jsonb,
  local_view       jsonb,
  views_kept       boolean NOT NULL DEFAULT true,
  operation_count  integer NOT NULL,
  operation_bytes  bigint NOT NULL,
  result           jsonb,
  overlap_list     jsonb,
  two_way          boolean,
  -- The outcome of the collection's hook: NULL without a hook, 'due' until it was called, 'skipped' if a drain decides.
  hook             text CHECK (hook IN ('due', 'resolved', 'deferred', 'asked', 'failed', 'skipped')),
  reason           text,
  -- The lane entry of a reported conflict that was refused last. Operations that its device had sent before that answer
  -- are refused with it.
  refused_entry_id text,
  resolved_version bigint,
  resolved_seq     bigint,
  -- The workspace's revision of the commit that wrote the record last: a reader that follows it skips none.
  revision         bigint NOT NULL,
  trace            jsonb NOT NULL,
  opened_at        timestamptz NOT NULL,
  updated_at       timestamptz NOT NULL,
  resolved_at      timestamptz,
  PRIMARY KEY (workspace_id, conflict_id)
);
-- A device has one unsettled conflict on a document: its next operations are held behind it.
CREATE UNIQUE INDEX conflicts_unsettled
  ON conflicts (workspace_id, collection, document_id, device_id) WHERE status IN ('open', 'parked');
CREATE INDEX conflicts_of_device ON conflicts (workspace_id, collection, document_id, device_id, resolved_version);
CREATE INDEX conflicts_open ON conflicts (round_at) WHERE status = 'open';
CREATE INDEX conflicts_followed ON conflicts (workspace_id, revision);
-- Runs at their limit, to which no operation is added. A run is read whole for its merge, so its size counts, too.
CREATE INDEX conflicts_full ON conflicts (workspace_id, conflict_id)
  WHERE status IN ('open', 'parked') AND (operation_count >= 1000 OR operation_bytes >= 16777216);
-- Ordered by the position of the refused entry on its lane, not by time: a reported record that a person resolved later
-- still refuses operations that its device had sent before that answer.
CREATE INDEX conflicts_reported ON conflicts (
  workspace_id, collection, document_id, device_id,
  (split_part(refused_entry_id, '-', 1)::bigint), (split_part(refused_entry_id, '-', 2)::bigint)
) WHERE refused_entry_id IS NOT NULL;
CREATE INDEX conflicts_settled ON conflicts (updated_at) WHERE status IN ('resolved', 'reported');

-- The operations of a conflict's run, in order. They are separate rows, so that adding one costs the same for a run of
-- any length.
CREATE TABLE held_operations (
  workspace_id text NOT NULL,
  conflict_id  uuid NOT NULL,
  place        integer NOT NULL,
  client_id    text NOT NULL,
  batch_id     uuid NOT NULL,
  operation    jsonb NOT NULL,
  PRIMARY KEY (workspace_id, conflict_id, place)
);

-- The decisions of people on conflicts, oldest first by revision: the workspace's revision of the decision's commit. A
-- record is decided at most once in a commit.
CREATE TABLE decisions (
  workspace_id     text NOT NULL,
  conflict_id      uuid NOT NULL,
  revision         bigint NOT NULL,
  choice           text NOT NULL CHECK (choice IN ('server', 'local', 'merged', 'data')),
  subject          text NOT NULL,
  client_id        text NOT NULL,
  decided_at       timestamptz NOT NULL,
  -- The document that the decision replaced, so that it stays readable; NULL if the decision wrote no document or
  -- replaced none.
  replaced_version bigint NOT NULL,
  replaced         jsonb,
  version          bigint NOT NULL,
  PRIMARY KEY (workspace_id, conflict_id, revision)
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Functions that statements of the worker call
-- ---------------------------------------------------------------------------------------------------------------------

-- Aborts a transaction that advanced fewer workspaces than it planned: another drain has committed first.
CREATE FUNCTION assert_workspaces_current(planned bigint, moved bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF planned <> moved THEN
    RAISE EXCEPTION 'planned for % workspaces, % were still current', planned, moved USING ERRCODE = 'SYN01';
  END IF;
END $$;

-- Aborts a transaction that would lower a document's version.
CREATE FUNCTION assert_documents_written(planned bigint, written bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF planned <> written THEN
    RAISE EXCEPTION 'planned % documents, % could be written', planned, written USING ERRCODE = 'SYN02';
  END IF;
END $$;

-- Returns the version of the change that holds a document as a device saw it when it named a version: the change that
-- holds the named version, or the last of the device's own changes that directly follow it, because the device had
-- received no other change by then and knew its own. Returns NULL if the history no longer has any of them. The device
-- had made no change after seen_until, the document's version at the device's conflict. A version inside another
-- device's fold stands for the fold's result. by_device is NULL, or matches no change, if the device is not declared.
-- Reads only as far as the device's own changes go.
CREATE FUNCTION version_seen(
  of_workspace text, of_collection text, of_document text, named bigint, by_device text, seen_until bigint
) RETURNS bigint LANGUAGE sql STABLE AS $$
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
$$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Roles and their permissions
-- ---------------------------------------------------------------------------------------------------------------------

-- Roles belong to the server, so they may exist already: an administrator creates them with a password (npm run roles).
-- If the migrating role may create roles, missing ones are created here, without a password. Neither permissions nor
-- tenant isolation apply to a service that connects as the owner of the tables or as a superuser.
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['syncline_ingest', 'syncline_conflict', 'syncline_worker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- another database of this server is being migrated at the same time
      END;
    END IF;
  END LOOP;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO syncline_ingest, syncline_conflict, syncline_worker', current_schema());
END $$;

-- Exactly the permissions that the statements of each service need.
GRANT SELECT ON schema_migrations TO syncline_ingest, syncline_conflict, syncline_worker;

GRANT SELECT ON workspaces, documents, changes, operations, batches, conflicts, held_operations TO syncline_ingest;
GRANT SELECT, INSERT ON devices TO syncline_ingest;

GRANT SELECT ON documents, changes, conflicts, held_operations, decisions TO syncline_conflict;

GRANT SELECT, INSERT, UPDATE ON workspaces, documents TO syncline_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON changes, operations, conflicts, held_operations TO syncline_worker;
-- Locking a row requires the permission to update it.
GRANT SELECT, INSERT, UPDATE, DELETE ON batches TO syncline_worker;
GRANT SELECT, INSERT, DELETE ON decisions TO syncline_worker;

-- ---------------------------------------------------------------------------------------------------------------------
-- Tenant isolation
-- ---------------------------------------------------------------------------------------------------------------------

-- The visible workspaces of the current transaction; none unless the setting names them as an array's text.
CREATE FUNCTION visible_workspaces() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('syncline.workspaces', true), '')::text[];

-- Services that answer requests see only the workspaces of the request's token, whatever their queries select. The
-- worker's statements span workspaces. The policy looks a row's workspace up in a hash, not in an array: an array
-- becomes an index condition and is sorted again for each key (500 batches of 500 workspaces took 39 ms, and take 1 ms
-- with the hash).
DO $$
DECLARE table_name text;
BEGIN
  FOREACH table_name IN ARRAY ARRAY[
    'workspaces', 'devices', 'documents', 'changes', 'operations', 'batches', 'conflicts', 'held_operations', 'decisions'
  ] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
    EXECUTE format(
      'CREATE POLICY visible ON %I TO syncline_ingest, syncline_conflict '
      'USING (workspace_id IN (SELECT unnest(visible_workspaces())))',
      table_name
    );
    EXECUTE format('CREATE POLICY everywhere ON %I TO syncline_worker USING (true)', table_name);
  END LOOP;
END $$;

-- ---------------------------------------------------------------------------------------------------------------------
-- Functions that run with the permissions of the tables' owner
-- ---------------------------------------------------------------------------------------------------------------------

-- Services read across workspaces, and read or write settings, through these functions only. They return keys, counts
-- and settings, never content.

-- The runs behind unsettled conflicts that have reached the held-queue limit. The numbers are those of the index
-- conflicts_full.
CREATE FUNCTION list_full_held_queues()
RETURNS TABLE (workspace_id text, device_id text, collection text, document_id text, conflict_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.workspace_id, c.device_id, c.collection, c.document_id, c.conflict_id
  FROM conflicts c
  WHERE c.status IN ('open', 'parked') AND (c.operation_count >= 1000 OR c.operation_bytes >= 16777216)
$$;

-- Open conflicts whose round began more than stalled_ms, plus the longest backoff of that round, ago: a page of at most `most`,
-- in the order of time and id, after the given position. Many conflicts share the time of their transaction, so the time alone
-- is no position.
CREATE FUNCTION list_stalled_conflicts(
  stalled_ms bigint, most integer, backoff_ms_min float8, backoff_ms_max float8, after_round_at timestamptz, after_id uuid
) RETURNS TABLE (workspace_id text, conflict_id uuid, round integer, trace jsonb, round_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.workspace_id, c.conflict_id, c.round, c.trace, c.round_at
  FROM conflicts c
  WHERE c.status = 'open' AND c.round_at < now() - (stalled_ms + CASE
      WHEN c.round = 1 THEN 0 ELSE least(backoff_ms_max, backoff_ms_min * 2 ^ (c.round - 2)) END) * interval '1 millisecond'
    AND (c.round_at, c.conflict_id) > (after_round_at, after_id)
  ORDER BY c.round_at, c.conflict_id
  LIMIT most
$$;

-- The first page, without a position.
CREATE FUNCTION list_stalled_conflicts(stalled_ms bigint, most integer, backoff_ms_min float8, backoff_ms_max float8)
RETURNS TABLE (workspace_id text, conflict_id uuid, round integer, trace jsonb)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.workspace_id, c.conflict_id, c.round, c.trace
  FROM conflicts c
  WHERE c.status = 'open' AND c.round_at < now() - (stalled_ms + CASE
      WHEN c.round = 1 THEN 0 ELSE least(backoff_ms_max, backoff_ms_min * 2 ^ (c.round - 2)) END) * interval '1 millisecond'
  ORDER BY c.round_at
  LIMIT most
$$;

-- The number of conflicts that are being merged or wait for a person, and of the operations behind them.
CREATE FUNCTION count_unsettled_conflicts() RETURNS TABLE (status text, conflicts bigint, operations bigint)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT c.status, count(*), sum(c.operation_count)
  FROM conflicts c
  WHERE c.status IN ('open', 'parked')
  GROUP BY c.status
$$;

-- Returns this database's server and its timeline. A promoted standby reports its new timeline first as the end of its
-- recovery, and in its checkpoint only minutes later. A standby is rejected: its answers can change during a
-- connection.
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

-- Stores the number of lanes at the first start, records the server and timeline of this database's history, and
-- returns all settings. If the last start saw another server or timeline, the database was restored and may lack
-- changes that clients know: it gets a new epoch.
CREATE FUNCTION claim_settings(lanes integer) RETURNS TABLE (name text, value text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
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
END $$;

-- Also stores the number of shards at the first start. Lanes are spread over shards, so that the masters of a Redis Cluster
-- share the work.
CREATE FUNCTION claim_settings(lanes integer, shards integer) RETURNS TABLE (name text, value text)
LANGUAGE plpgsql SECURITY DEFINER AS $$
#variable_conflict use_column
BEGIN
  INSERT INTO settings (name, value) VALUES ('shards', claim_settings.shards::text) ON CONFLICT DO NOTHING;
  RETURN QUERY SELECT s.name, s.value FROM claim_settings(claim_settings.lanes) s;
END $$;

-- The epoch and the history, which a running process compares with those of its start.
CREATE FUNCTION current_epoch() RETURNS TABLE (epoch text, history text)
LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT (SELECT s.value FROM settings s WHERE s.name = 'epoch'), server_history()
$$;

-- The time, in milliseconds, in the youngest UUIDv7 of an operation that retention has dropped from the ledger; NULL if
-- it has dropped none. The retention that dropped that operation may have been shorter than the one configured now.
CREATE FUNCTION ledger_dropped_to() RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER AS $$
BEGIN
  RETURN (SELECT value::bigint FROM settings WHERE name = 'ledger_dropped_to');
END $$;

CREATE FUNCTION note_ledger_dropped(dropped_to bigint) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
  INSERT INTO settings AS s (name, value)
  SELECT 'ledger_dropped_to', dropped_to::text WHERE dropped_to IS NOT NULL
  ON CONFLICT (name) DO UPDATE SET value = greatest(s.value::bigint, excluded.value::bigint)::text
$$;

-- Functions with the owner's permissions must find the owner's tables, whatever tables the caller has put in front.
DO $$
DECLARE function_name text;
BEGIN
  FOREACH function_name IN ARRAY ARRAY[
    'list_full_held_queues()', 'list_stalled_conflicts(bigint, integer, float8, float8, timestamptz, uuid)',
    'list_stalled_conflicts(bigint, integer, float8, float8)', 'count_unsettled_conflicts()', 'server_history()',
    'claim_settings(integer)', 'claim_settings(integer, integer)', 'current_epoch()', 'ledger_dropped_to()',
    'note_ledger_dropped(bigint)'
  ] LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', function_name, current_schema());
    EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', function_name);
  END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION list_full_held_queues() TO syncline_ingest;
GRANT EXECUTE ON FUNCTION list_stalled_conflicts(bigint, integer, float8, float8, timestamptz, uuid) TO syncline_conflict;
GRANT EXECUTE ON FUNCTION list_stalled_conflicts(bigint, integer, float8, float8) TO syncline_conflict;
GRANT EXECUTE ON FUNCTION count_unsettled_conflicts() TO syncline_conflict;
GRANT EXECUTE ON FUNCTION claim_settings(integer), claim_settings(integer, integer), current_epoch()
  TO syncline_ingest, syncline_conflict, syncline_worker;
GRANT EXECUTE ON FUNCTION ledger_dropped_to(), note_ledger_dropped(bigint) TO syncline_worker;
