-- $1 workspace ids. Where the feeds of these workspaces begin and end; one without a commit is not among them.
SELECT workspace_id, seq, feed_from
FROM workspaces
WHERE workspace_id = ANY ($1::text[])
