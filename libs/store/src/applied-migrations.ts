import type { Migration } from "./migration-files.ts";

/** Thrown if a database's migrations do not match this version. Its message says what to do. */
export class SchemaMismatchError extends Error {
  override readonly name = "SchemaMismatchError";
}

/** Runs one statement without parameters. */
interface Querying {
  query<Row extends object>(sql: string): Promise<{ rows: Row[] }>;
}

/**
 * Reads the migrations that were applied to a database.
 *
 * @returns the content hash of each applied migration by its name; empty if the database was never migrated
 * @throws {SchemaMismatchError} if the database was migrated before content hashes were stored
 */
export async function readAppliedMigrations(database: Querying): Promise<Map<string, string>> {
  const { rows: columns } = await database.query<{ name: string }>(
    "SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass('schema_migrations') AND attnum > 0",
  );
  if (columns.length === 0) return new Map();
  if (!columns.some(({ name }) => name === "content_hash")) {
    throw new SchemaMismatchError(
      "the database was created by a version from before the first release, and its schema cannot be migrated: " +
        "use an empty database (with `npm start`, delete its data folder, .syncline unless SYNCLINE_HOME says otherwise)",
    );
  }
  const { rows } = await database.query<{ name: string; content_hash: string }>(
    "SELECT name, content_hash FROM schema_migrations",
  );
  return new Map(rows.map((row) => [row.name, row.content_hash]));
}

/**
 * Finds the migrations that a database lacks. Additional ones are allowed: the version before a migration still runs on
 * the migrated schema (docs/operations/upgrades.md).
 *
 * @throws {SchemaMismatchError} if the content of an applied migration differs from this version's file
 */
export function findPendingMigrations(
  migrations: readonly Migration[],
  appliedHashByName: ReadonlyMap<string, string>,
): Migration[] {
  for (const { name, contentHash } of migrations) {
    const appliedHash = appliedHashByName.get(name);
    if (appliedHash !== undefined && appliedHash !== contentHash) {
      throw new SchemaMismatchError(
        `migrations/${name} is not the file that was applied to this database (SHA-256 ${appliedHash} was applied, the file ` +
          `has ${contentHash}): deploy the version with the applied file, or use an empty database. A migration is never ` +
          "edited after a release; a change is a new file",
      );
    }
  }
  return migrations.filter(({ name }) => !appliedHashByName.has(name));
}
