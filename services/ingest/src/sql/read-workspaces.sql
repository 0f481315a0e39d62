-- $1 workspace ids. Where the feeds of these workspaces begin and end, and how many commits they have seen; one without
-- a commit is not among them.
SELECT workspace_id, seq, feed_from, revision
FROM workspaces
WHERE workspace_id = ANY ($1::text[])
