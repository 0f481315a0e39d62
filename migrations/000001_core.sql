-- The tables of Syncline. Every key leads with workspace_id, so that tables can be partitioned or distributed by it.

-- What is true of the whole database: the epoch of its history and the number of lanes.
CREATE TABLE settings (
  name  text PRIMARY KEY,
  value text NOT NULL
);
INSERT INTO settings (name, value) VALUES ('epoch', gen_random_uuid()::text);

-- seq is the change counter. revision grows with every commit to the workspace, changes or not: a drain that read
-- an older one has planned on stale state and starts again.
CREATE TABLE workspaces (
  workspace_id text PRIMARY KEY,
  seq          bigint NOT NULL,
  revision     bigint NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now()
);

-- The current state of every document, tombstones included (data is then null).
-- writer_device_id wrote every change after run_base_version: what an expected version is matched against.
CREATE TABLE documents (
  workspace_id     text NOT NULL,
  collection       text NOT NULL,
  document_id      text NOT NULL,
  version          bigint NOT NULL,
  seq              bigint NOT NULL,
  deleted          boolean NOT NULL,
  data             jsonb,
  writer_device_id text NOT NULL,
  run_base_version bigint NOT NULL,
  updated_at       timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, collection, document_id),
  CHECK (deleted = (data IS NULL))
);

-- One row a committed change: the feed that clients follow and the history that merges read.
-- A change that folds operations holds the versions first_version to version. device_id is null where the writer
-- declared none.
CREATE TABLE changes (
  workspace_id     text NOT NULL,
  seq              bigint NOT NULL,
  collection       text NOT NULL,
  document_id      text NOT NULL,
  first_version    bigint NOT NULL,
  version          bigint NOT NULL,
  deleted          boolean NOT NULL,
  data             jsonb,
  device_id        text,
  client_timestamp timestamptz,
  committed_at     timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, seq)
);
CREATE INDEX changes_of_document ON changes (workspace_id, collection, document_id, version);

-- The ledger: every operation's outcome. Its key is what makes a resend harmless.
CREATE TABLE operations (
  workspace_id     text NOT NULL,
  device_id        text NOT NULL,
  client_id        text NOT NULL,
  batch_id         uuid NOT NULL,
  fingerprint      text NOT NULL,
  operation        text NOT NULL,
  collection       text NOT NULL,
  document_id      text NOT NULL,
  status           text NOT NULL CHECK (status IN ('success', 'conflict', 'error', 'pending')),
  version          bigint,
  seq              bigint,
  merged           boolean NOT NULL,
  overlap_count    integer,
  rounds           integer,
  error            text,
  error_type       text,
  expected_version bigint,
  current_version  bigint,
  conflict_id      uuid,
  subject          text NOT NULL,
  request_id       text NOT NULL,
  trace_id         text,
  accepted_at      timestamptz NOT NULL,
  settled_at       timestamptz,
  PRIMARY KEY (workspace_id, device_id, client_id)
);

CREATE INDEX operations_of_conflict ON operations (workspace_id, conflict_id) WHERE conflict_id IS NOT NULL;

-- Results in the order of the request; those still pending here are looked up in the ledger.
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

-- operations is the device's run: what collided first, and what the device did to the document since.
-- base_version is the version the device named, null where it is unknown; ancestor is what it sent along. device_view is
-- what the device saw when it went on from an own operation that was still being merged: it then takes the ancestor's
-- place. local_view is what it sees after its run.
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
  base_version     bigint,
  current_version  bigint NOT NULL,
  ancestor         jsonb,
  device_view      jsonb,
  local_view       jsonb,
  operations       jsonb NOT NULL,
  result           jsonb,
  overlap_list     jsonb,
  two_way          boolean,
  reason           text,
  resolved_version bigint,
  resolved_seq     bigint,
  trace            jsonb NOT NULL,
  opened_at        timestamptz NOT NULL,
  updated_at       timestamptz NOT NULL,
  PRIMARY KEY (workspace_id, conflict_id)
);
-- A device has one unsettled conflict a document: what it does next is held behind it.
CREATE UNIQUE INDEX conflicts_unsettled
  ON conflicts (workspace_id, collection, document_id, device_id) WHERE status IN ('open', 'parked');
CREATE INDEX conflicts_of_device ON conflicts (workspace_id, collection, document_id, device_id, resolved_version);
CREATE INDEX conflicts_open ON conflicts (updated_at) WHERE status = 'open';

-- A device belongs to the first subject that used it.
CREATE TABLE devices (
  workspace_id text NOT NULL,
  device_id    text NOT NULL,
  subject      text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workspace_id, device_id)
);

-- Ends a transaction in which fewer workspaces moved on than were planned for: another drain got there first.
CREATE FUNCTION assert_workspaces_current(planned bigint, moved bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF planned <> moved THEN
    RAISE EXCEPTION 'planned for % workspaces, % were still current', planned, moved USING ERRCODE = 'SYN01';
  END IF;
END $$;

-- Ends a transaction that would take a document's version back.
CREATE FUNCTION assert_documents_written(planned bigint, written bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF planned <> written THEN
    RAISE EXCEPTION 'planned % documents, % could be written', planned, written USING ERRCODE = 'SYN02';
  END IF;
END $$;
