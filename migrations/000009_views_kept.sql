-- False of conflicts that were resolved before there were columns for what the merge saw: NULL there does not mean that there
-- was no document.
ALTER TABLE conflicts ADD COLUMN views_kept boolean NOT NULL DEFAULT true;
UPDATE conflicts
SET views_kept = false
WHERE status = 'resolved'
  AND resolved_at <= (SELECT applied_at FROM schema_migrations WHERE name = '000006_decisions.sql');
