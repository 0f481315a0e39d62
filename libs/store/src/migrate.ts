import pg from "pg";
import { findPendingMigrations, readAppliedMigrations } from "./applied-migrations.ts";
import { MIGRATIONS, readMigrations, type Migration } from "./migration-files.ts";

/** An arbitrary number that no other program uses for a lock. */
const MIGRATION_LOCK = 7_105_110_999;

/**
 * Migrates a database to the newest schema: applies each missing migration, oldest first, in its own transaction.
 * Processes that start together wait for each other.
 *
 * @param options.folder - the folder of the migrations; by default that of this version
 * @returns the names of the migrations that were applied
 * @throws {SchemaMismatchError} if the content of an applied migration differs; no migration is applied then
 */
export async function migrate(options: { databaseUrl: string; folder?: URL }): Promise<string[]> {
  const migrations = await readMigrations(options.folder ?? MIGRATIONS);
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: "syncline-migrate",
  });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await client.query(
      `CREATE TABLE IF NOT EXISTS schema_migrations (
         name         text PRIMARY KEY,
         content_hash text NOT NULL,
         applied_at   timestamptz NOT NULL DEFAULT now()
       )`,
    );
    const pending = findPendingMigrations(migrations, await readAppliedMigrations(client));
    for (const migration of pending) await applyMigration(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    // Ends the session, which releases the lock.
    await client.end();
  }
}

async function applyMigration(client: pg.Client, { name, sql, contentHash }: Migration): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query("INSERT INTO schema_migrations (name, content_hash) VALUES ($1, $2)", [
      name,
      contentHash,
    ]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw new Error(`migration ${name} failed; the database is as it was before it`, { cause: error });
  }
}
