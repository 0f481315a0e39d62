-- $1 retention in days, $2 the workspace id to continue after, $3 most workspaces. Returns for each whether a
-- change has passed its retention since its history was checked. All unchecked changes exist, so one probe
-- suffices.
SELECT w.workspace_id, coalesce(c.committed_at < now() - $1 * interval '24 hours', false) AS aged
FROM (
  SELECT workspace_id, history_checked_to
  FROM workspaces
  WHERE workspace_id > $2
  ORDER BY workspace_id
  LIMIT $3::integer
) w
LEFT JOIN LATERAL (
  SELECT committed_at
  FROM changes
  WHERE workspace_id = w.workspace_id AND seq > w.history_checked_to
  ORDER BY seq
  LIMIT 1
) c ON true
ORDER BY w.workspace_id
