-- $1 workspace id, $2 collection, $3 document id, $4 device id. Reads the version of the device's last change.
SELECT version
FROM changes
WHERE workspace_id = $1 AND collection = $2 AND document_id = $3 AND device_id = $4
ORDER BY version DESC
LIMIT 1
