-- $1 workspace ids. Read before all other rows: a later change moves the revision, and fails the commit.
SELECT workspace_id, seq, revision
FROM workspaces
WHERE workspace_id = ANY ($1::text[])
