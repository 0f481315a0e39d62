SELECT status, version FROM operations WHERE workspace_id = $1 AND device_id = $2 AND client_id = $3
