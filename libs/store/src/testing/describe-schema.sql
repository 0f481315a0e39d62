-- The current schema's objects as SQL text, one a row, in an order that depends on their names only. Names of owners and
-- of the schema are left out. `pg_dump` is not installed with every Postgres, and its output differs by version.
WITH relations AS (
  SELECT c.oid, c.relname::text AS name, c.relkind, c.reloptions, c.relrowsecurity, c.relacl, c.relowner
  FROM pg_class c
  WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind NOT IN ('i', 'I', 't', 'c')
),
lines AS (
  SELECT a.attrelid AS oid, a.attnum::integer AS place, concat_ws(' ',
    quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid)
  ) AS line
  FROM pg_attribute a
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT c.conrelid, 10000 + row_number() OVER (ORDER BY c.contype <> 'p', c.conname),
    format('CONSTRAINT %I %s', c.conname, pg_get_constraintdef(c.oid))
  FROM pg_constraint c
  -- Newer versions of Postgres also list NOT NULL as a constraint.
  WHERE c.contype <> 'n'
),
functions AS (
  SELECT p.oid, p.proname::text AS name, p.oid::regprocedure::text AS signature, p.proacl, p.proowner
  FROM pg_proc p
  WHERE p.pronamespace = current_schema()::regnamespace
),
objects AS (
  SELECT 1 AS section, r.name, '' AS detail, format(
    E'CREATE TABLE %I (\n  %s\n)%s;', r.name,
    (SELECT string_agg(l.line, E',\n  ' ORDER BY l.place) FROM lines l WHERE l.oid = r.oid),
    ' WITH (' || array_to_string(r.reloptions, ', ') || ')'
  ) AS text
  FROM relations r WHERE r.relkind IN ('r', 'p')
  UNION ALL
  SELECT 1, r.name, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) || ';'
  FROM pg_index i JOIN relations r ON r.oid = i.indrelid
  WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
  UNION ALL
  SELECT 1, r.name, '~1', format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY;', r.name)
  FROM relations r WHERE r.relrowsecurity
  UNION ALL
  SELECT 1, p.tablename::text, '~2' || p.policyname, concat_ws(' ',
    format('CREATE POLICY %I ON %I FOR %s TO %s', p.policyname, p.tablename, p.cmd, array_to_string(p.roles, ', ')),
    'USING (' || p.qual || ')', 'WITH CHECK (' || p.with_check || ')'
  ) || ';'
  FROM pg_policies p WHERE p.schemaname = current_schema()
  UNION ALL
  SELECT 1, r.name, '~3' || t.tgname, pg_get_triggerdef(t.oid) || ';'
  FROM pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
  UNION ALL
  SELECT 1, r.name, '~4' || g.grantee::regrole, format(
    'GRANT %s ON %I TO %s;', string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type), r.name, g.grantee::regrole
  )
  FROM relations r, aclexplode(r.relacl) g WHERE g.grantee <> r.relowner GROUP BY r.name, g.grantee
  UNION ALL
  SELECT 2, f.name, f.signature || '~1', pg_get_functiondef(f.oid) || ';' FROM functions f
  UNION ALL
  SELECT 2, f.name, f.signature || '~2', format(
    'GRANT EXECUTE ON FUNCTION %s TO %s;', f.signature,
    CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END
  )
  FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) g WHERE g.grantee <> f.proowner
  UNION ALL
  SELECT 3, r.name, '', format('-- %I is of a kind that is not shown: %s', r.name, r.relkind)
  FROM relations r WHERE r.relkind NOT IN ('r', 'p')
)
SELECT replace(text, quote_ident(current_schema()) || '.', '') AS text
FROM objects
ORDER BY section, name COLLATE "C", detail COLLATE "C", text COLLATE "C"
