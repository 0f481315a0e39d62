-- $1 retention in days, $2 the workspace id to go on after, $3 how many workspaces to look at. Of each whether a change
-- has come of age since its history was checked. What has not been checked is all there, so one probe tells.
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
