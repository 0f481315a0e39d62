-- A device's run behind a conflict: what collided first, and what the device did to the document since. Rows of their
-- own, so that to hold one more costs the same however long the run is.
CREATE TABLE held_operations (
  workspace_id text NOT NULL,
  conflict_id  uuid NOT NULL,
  place        integer NOT NULL,
  client_id    text NOT NULL,
  batch_id     uuid NOT NULL,
  operation    jsonb NOT NULL,
  PRIMARY KEY (workspace_id, conflict_id, place)
);
INSERT INTO held_operations (workspace_id, conflict_id, place, client_id, batch_id, operation)
SELECT c.workspace_id, c.conflict_id, o.n - 1, o.operation ->> 'clientId', (o.operation ->> 'batchId')::uuid, o.operation - 'batchId'
FROM conflicts c
CROSS JOIN LATERAL jsonb_array_elements(c.operations) WITH ORDINALITY AS o (operation, n);

ALTER TABLE conflicts ADD COLUMN operation_count integer;
UPDATE conflicts SET operation_count = jsonb_array_length(operations);
ALTER TABLE conflicts ALTER COLUMN operation_count SET NOT NULL, DROP COLUMN operations;

-- The workspace's revision of the commit that wrote the record last: to follow it skips none.
ALTER TABLE conflicts ADD COLUMN revision bigint NOT NULL DEFAULT 0;
ALTER TABLE conflicts ALTER COLUMN revision DROP DEFAULT;
CREATE INDEX conflicts_followed ON conflicts (workspace_id, revision);

-- Of a reported conflict the lane entry that was refused last. What its device had sent before that was answered is
-- refused, too.
ALTER TABLE conflicts ADD COLUMN refused_entry_id text;
CREATE INDEX conflicts_reported ON conflicts (workspace_id, collection, document_id, device_id, revision)
  WHERE status = 'reported';

-- What was sent, of an operation that ended as an error: so that it can be tried again once the cause is gone.
ALTER TABLE operations ADD COLUMN content json;

-- When the device wrote it, as far as it said so: what last-write-wins compares.
-- Not filled in for what is there: that would lock every document for as long as it takes. Until its next write such a
-- document counts as one whose device did not say.
ALTER TABLE documents ADD COLUMN client_timestamp timestamptz;

-- What a deletion ended, where one change holds both: a device that edits the document still needs it as the ancestor.
ALTER TABLE changes ADD COLUMN ended jsonb;

-- Runs that are full: nothing more is accepted for them. A run is read whole to be merged, so its size counts, too.
ALTER TABLE conflicts ADD COLUMN operation_bytes bigint NOT NULL DEFAULT 0;
ALTER TABLE conflicts ALTER COLUMN operation_bytes DROP DEFAULT;
CREATE INDEX conflicts_full ON conflicts (workspace_id, conflict_id)
  WHERE status IN ('open', 'parked') AND (operation_count >= 1000 OR operation_bytes >= 16777216);

-- When its round began: what its device adds meanwhile must not make it look younger to who looks for lost rounds.
ALTER TABLE conflicts ADD COLUMN round_at timestamptz NOT NULL DEFAULT now();
DROP INDEX conflicts_open;
CREATE INDEX conflicts_open ON conflicts (round_at) WHERE status = 'open';

-- The last change of the group that a change belongs to: a page of the feed never ends inside a group.
ALTER TABLE changes ADD COLUMN group_end_seq bigint;
