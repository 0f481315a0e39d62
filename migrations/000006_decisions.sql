-- What a person decided on a conflict, oldest first by revision: the workspace's revision of the commit that took the
-- decision. A record is decided at most once in a commit. replaced is what the decision wrote over, NULL where it wrote
-- nothing or there was no document: what loses stays readable.
CREATE TABLE decisions (
  workspace_id     text NOT NULL,
  conflict_id      uuid NOT NULL,
  revision         bigint NOT NULL,
  choice           text NOT NULL CHECK (choice IN ('server', 'local', 'merged', 'data')),
  subject          text NOT NULL,
  client_id        text NOT NULL,
  decided_at       timestamptz NOT NULL,
  replaced_version bigint NOT NULL,
  replaced         jsonb,
  version          bigint NOT NULL,
  PRIMARY KEY (workspace_id, conflict_id, revision)
);

-- The other two documents that the merge, or the decision, saw: local_view is the third. They stay readable when the
-- history is gone.
ALTER TABLE conflicts ADD COLUMN ancestor_view jsonb, ADD COLUMN remote_view jsonb, ADD COLUMN resolved_at timestamptz;
UPDATE conflicts SET resolved_at = updated_at WHERE status = 'resolved';

-- A reported record that a person decided still refuses what its device had sent before that was answered. So the one
-- that counts is not the one written last, but the one whose refused entry is.
DROP INDEX conflicts_reported;
CREATE INDEX conflicts_reported ON conflicts (
  workspace_id, collection, document_id, device_id,
  (split_part(refused_entry_id, '-', 1)::bigint), (split_part(refused_entry_id, '-', 2)::bigint)
) WHERE refused_entry_id IS NOT NULL;
