-- $1 roles. Returns the other databases of this server that any of them may connect to. By default that is all, because
-- PUBLIC may.
SELECT d.datname AS name
FROM pg_database d
WHERE d.datallowconn AND d.datname <> current_database()
  AND EXISTS (SELECT FROM unnest($1::text[]) AS r (name) WHERE has_database_privilege(r.name, d.oid, 'CONNECT'))
ORDER BY d.datname
