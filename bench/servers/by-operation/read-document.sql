SELECT version::int AS version, data FROM documents WHERE workspace_id = $1 AND collection = 'documents' AND document_id = $2 FOR UPDATE
