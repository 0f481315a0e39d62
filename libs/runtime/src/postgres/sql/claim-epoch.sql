-- Notes which server, and which of its timelines, this database's history is on. Where that was another one at the last
-- start, the database was restored, and what clients know of it may not be so: the epoch becomes a new one.
WITH here AS (
  SELECT s.system_identifier || '/' || c.timeline_id AS history
  FROM pg_control_system() s, pg_control_checkpoint() c
), noted AS (
  INSERT INTO settings AS s (name, value)
  SELECT 'history', history FROM here
  ON CONFLICT (name) DO UPDATE SET value = excluded.value
  WHERE s.value <> excluded.value
  -- Only a row that was there before has an xmax.
  RETURNING s.xmax <> 0 AS is_restored
)
UPDATE settings SET value = gen_random_uuid()::text
WHERE name = 'epoch' AND EXISTS (SELECT 1 FROM noted WHERE is_restored)
