-- $1 workspace ids. Read before everything else: what changes after this moves the revision, and fails the commit.
SELECT workspace_id, seq, revision
FROM workspaces
WHERE workspace_id = ANY ($1::text[])
