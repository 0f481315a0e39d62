-- $1 workspace ids. The bounds of these workspaces' feeds and their number of commits; a workspace without a commit is
-- left out.
SELECT workspace_id, seq, feed_from, revision
FROM workspaces
WHERE workspace_id = ANY ($1::text[])
