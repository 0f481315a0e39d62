-- Creates the roles, lets syncline_migrate create and own the tables, and revokes PUBLIC's permissions. Run by an
-- administrator in Syncline's database; running it again is harmless. Passwords are not set here.
DO $$
DECLARE role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['syncline_migrate', 'syncline_ingest', 'syncline_conflict', 'syncline_worker'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), role_name);
  END LOOP;
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO syncline_migrate', current_schema());
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
END $$;

-- If an administrator ran the migrations, hands Syncline's tables and functions over to syncline_migrate.
DO $$
DECLARE thing text;
BEGIN
  IF to_regclass('schema_migrations') IS NULL THEN RETURN; END IF;
  FOR thing IN
    SELECT format('TABLE %s', oid::regclass) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relowner = current_user::regrole AND relname = ANY (ARRAY[
      'schema_migrations', 'settings', 'workspaces', 'documents', 'changes', 'operations', 'batches', 'conflicts',
      'held_operations', 'decisions', 'devices'
    ])
    UNION ALL
    SELECT format('FUNCTION %s', oid::regprocedure) FROM pg_proc
    WHERE pronamespace = current_schema()::regnamespace AND proowner = current_user::regrole AND proname = ANY (ARRAY[
      'assert_workspaces_current', 'assert_documents_written', 'visible_workspaces', 'list_full_held_queues',
      'list_stalled_conflicts', 'count_unsettled_conflicts', 'claim_settings', 'version_seen',
      'ledger_dropped_to', 'note_ledger_dropped', 'server_history', 'current_epoch'
    ])
  LOOP
    EXECUTE format('ALTER %s OWNER TO syncline_migrate', thing);
  END LOOP;
END $$;
