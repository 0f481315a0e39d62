-- What the collection's hook came to: NULL where there was none to ask, 'due' until it was asked, 'skipped' where what
-- decides is a drain.
ALTER TABLE conflicts ADD COLUMN hook text
  CHECK (hook IN ('due', 'resolved', 'deferred', 'asked', 'failed', 'skipped'));
