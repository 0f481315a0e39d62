-- How far back the feed goes: changes up to feed_from have been dropped, so a reader whose since is below it starts
-- again from a snapshot. Whoever drops changes moves it in the same transaction.
ALTER TABLE workspaces ADD COLUMN feed_from bigint NOT NULL DEFAULT 0;

-- The operations that somebody looks for, newest first. Successes stay out of it: they are nearly all, and cost nothing.
CREATE INDEX operations_unwell ON operations (workspace_id, status, accepted_at, device_id, client_id)
  WHERE status <> 'success';
