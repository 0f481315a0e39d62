-- $1 workspace id, $2 device id, $3 subject. Claims a device, which belongs to the first subject that used it; returns
-- the owner.
WITH claimed AS (
  INSERT INTO devices (workspace_id, device_id, subject) VALUES ($1, $2, $3)
  ON CONFLICT DO NOTHING
  RETURNING subject
)
SELECT subject FROM claimed
UNION ALL
SELECT subject FROM devices WHERE workspace_id = $1 AND device_id = $2
LIMIT 1
