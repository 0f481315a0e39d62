import { readFile } from "node:fs/promises";
import pg from "pg";
import { listMigrations, MIGRATIONS } from "./migration-files.ts";

/** Any number that no other program takes a lock on. */
const MIGRATION_LOCK = 7_105_110_999;

/**
 * Brings a database to the newest schema: applies what `migrations/` holds and the database does not, oldest first, each
 * in a transaction of its own. Pods that start together wait for each other.
 *
 * @returns the names of the migrations that were applied
 */
export async function migrate(options: { databaseUrl: string }): Promise<string[]> {
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: "syncline-migrate",
  });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock($1)", [MIGRATION_LOCK]);
    await client.query(
      "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
    );
    const { rows } = await client.query<{ name: string }>("SELECT name FROM schema_migrations");
    const done = new Set(rows.map((row) => row.name));
    const pending = (await listMigrations()).filter((file) => !done.has(file));
    for (const file of pending) await applyMigration(client, file);
    return pending;
  } finally {
    // Ends the session, and with it the lock.
    await client.end();
  }
}

async function applyMigration(client: pg.Client, file: string): Promise<void> {
  const sql = await readFile(new URL(file, MIGRATIONS), "utf8");
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query("INSERT INTO schema_migrations (name) VALUES ($1)", [file]);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw new Error(`migration ${file} failed; the database is as it was before it`, { cause: error });
  }
}
