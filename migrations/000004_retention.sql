-- How far retention has come in a workspace's history: what the changes up to this seq superseded is dropped.
ALTER TABLE workspaces ADD COLUMN history_checked_to bigint NOT NULL DEFAULT 0;

-- Retention takes the oldest first. The times are those of a transaction, so its rows share one entry of the index.
-- BRIN would be cheaper to write, but its ranges never narrow: once new rows fill the space of dropped ones, every
-- range looks old, and each look reads the whole table.
CREATE INDEX operations_settled ON operations (settled_at) WHERE settled_at IS NOT NULL;
CREATE INDEX batches_drained ON batches (drained_at);
CREATE INDEX conflicts_settled ON conflicts (updated_at) WHERE status IN ('resolved', 'reported');
