-- $1 workspace ids; $2 workspace ids, $3 collections, $4 document ids, in triples. Finds the workspaces in which
-- another transaction holds a row that a window writes to. Waits for none of them. A row that a transaction is
-- about to insert is invisible.
WITH wanted AS (
  SELECT DISTINCT * FROM unnest($2::text[], $3::text[], $4::text[]) AS k (workspace_id, collection, document_id)
), free_workspaces AS (
  SELECT w.workspace_id FROM workspaces w WHERE w.workspace_id = ANY ($1::text[]) FOR NO KEY UPDATE SKIP LOCKED
), free_documents AS (
  SELECT d.workspace_id, d.collection, d.document_id
  FROM documents d
  JOIN wanted k USING (workspace_id, collection, document_id)
  FOR NO KEY UPDATE OF d SKIP LOCKED
), free_conflicts AS (
  SELECT c.workspace_id, c.conflict_id
  FROM conflicts c
  JOIN wanted k USING (workspace_id, collection, document_id)
  WHERE c.status IN ('open', 'parked')
  FOR NO KEY UPDATE OF c SKIP LOCKED
)
SELECT w.workspace_id
FROM workspaces w
WHERE w.workspace_id = ANY ($1::text[]) AND w.workspace_id NOT IN (SELECT workspace_id FROM free_workspaces)
UNION
SELECT d.workspace_id
FROM documents d
JOIN wanted k USING (workspace_id, collection, document_id)
WHERE (d.workspace_id, d.collection, d.document_id) NOT IN (SELECT * FROM free_documents)
UNION
SELECT c.workspace_id
FROM conflicts c
JOIN wanted k USING (workspace_id, collection, document_id)
WHERE c.status IN ('open', 'parked') AND (c.workspace_id, c.conflict_id) NOT IN (SELECT * FROM free_conflicts)
