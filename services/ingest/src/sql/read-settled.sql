-- $1 workspace id, $2 device id, $3 the revision to read after or null, $4 since, $5 most rows, $6 the revision to read to
-- or null. The ledger's rows of the device's settled operations, in the order of the commits that wrote their outcomes,
-- and all rows of the last commit read. Without $3 the reading starts behind the commit that wrote the change $4; if the
-- commit also wrote later changes, with its rows. If that change is gone, it starts at an earlier commit. A workspace
-- without rows gives one with a null client id; one without a commit gives none.
SELECT
  w.revision AS revision_to, o.settled_revision, o.client_id, o.document_id, o.status, o.version, o.seq, o.merged, o.decided,
  o.overlap_count, o.rounds, o.error, o.error_type, o.expected_version, o.current_version, o.conflict_id,
  o.conflict_status
FROM workspaces w
LEFT JOIN LATERAL (
  SELECT *
  FROM operations p
  WHERE p.workspace_id = $1 AND p.device_id = $2
    AND p.settled_revision > coalesce(
      $3::bigint,
      least(
        coalesce((
          SELECT c.revision
          FROM changes c
          WHERE c.workspace_id = $1 AND c.seq <= $4
          ORDER BY c.seq DESC
          LIMIT 1
        ), 0),
        (
          SELECT c.revision - 1
          FROM changes c
          WHERE c.workspace_id = $1 AND c.seq > $4
          ORDER BY c.seq
          LIMIT 1
        )
      )
    )
    AND p.settled_revision <= coalesce($6::bigint, w.revision)
  ORDER BY p.settled_revision
  FETCH FIRST ($5::integer) ROWS WITH TIES
) o ON true
WHERE w.workspace_id = $1
ORDER BY o.settled_revision, o.accepted_at, o.client_id
