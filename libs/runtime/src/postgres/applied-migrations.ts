import type { Migration } from "./migration-files.ts";

/** A database whose migrations are not those of this version. Its message says what to do. */
export class SchemaMismatchError extends Error {
  override readonly name = "SchemaMismatchError";
}

/** Runs one statement without parameters. */
interface Querying {
  query<Row extends object>(sql: string): Promise<{ rows: Row[] }>;
}

/**
 * Reads which migrations a database has.
 *
 * @returns the content hash of each applied migration by its name; empty if the database was never migrated
 * @throws {SchemaMismatchError} if the database was migrated before applied migrations were stored with their content
 */
export async function readAppliedMigrations(database: Querying): Promise<Map<string, string>> {
  const { rows: columns } = await database.query<{ name: string }>(
    "SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass('schema_migrations') AND attnum > 0",
  );
  if (columns.length === 0) return new Map();
  if (!columns.some(({ name }) => name === "content_hash")) {
    throw new SchemaMismatchError(
      "the database was made by a version from before the first release, and there is no way from its schema to this one: " +
        "use an empty database (with `npm start`, delete its data folder, .syncline unless SYNCLINE_HOME says otherwise)",
    );
  }
  const { rows } = await database.query<{ name: string; content_hash: string }>(
    "SELECT name, content_hash FROM schema_migrations",
  );
  return new Map(rows.map((row) => [row.name, row.content_hash]));
}

/**
 * Finds the migrations that a database lacks. One that has more is fine: migrations leave the version before them running
 * (docs/operations/upgrades.md).
 *
 * @throws {SchemaMismatchError} if an applied migration had another content than the file of this version
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
