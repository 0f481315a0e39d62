-- $1 workspace id, $2 device id, $3 client id. The content of an operation that can be replayed.
SELECT content
FROM operations
WHERE workspace_id = $1 AND device_id = $2 AND client_id = $3 AND status = 'error' AND content IS NOT NULL
