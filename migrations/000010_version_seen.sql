-- The change that holds a document as a device saw it when it named a version, by that change's version: what holds the named
-- one, or the last of the device's own changes that follow it right away. The device had received nothing else by then, and
-- knew of those. NULL where the history has none of them any more.
-- What came after seen_until, the document's version when the device collided with it, the device had not made by then. A
-- version inside somebody's fold is what the fold came to. by_device is NULL, or no change's, where the device is not
-- declared. Reads on only as far as the device's own changes go.
CREATE FUNCTION version_seen(
  of_workspace text, of_collection text, of_document text, named bigint, by_device text, seen_until bigint
) RETURNS bigint LANGUAGE sql STABLE AS $$
  SELECT version
  FROM (
    SELECT
      version,
      (device_id = by_device) IS TRUE AS own,
      first_value(first_version) OVER since AS start_first,
      first_value((device_id = by_device) IS TRUE) OVER since AS start_own,
      lead(version) OVER since AS next_version,
      lead(first_version) OVER since AS next_first,
      lead((device_id = by_device) IS TRUE) OVER since AS next_own
    FROM changes
    WHERE workspace_id = of_workspace AND collection = of_collection AND document_id = of_document AND version >= named
    WINDOW since AS (ORDER BY version)
  ) change
  WHERE (start_first <= named OR (start_own AND start_first = named + 1))
    AND ((version > named AND NOT own) OR next_own IS NOT TRUE OR next_first > version + 1 OR next_version > seen_until)
  ORDER BY version
  LIMIT 1
$$;
