import type pg from "pg";
import { findPendingMigrations, readAppliedMigrations, SchemaMismatchError } from "./applied-migrations.ts";
import { readMigrations } from "./migration-files.ts";

/**
 * Checks that a database has every migration that this version comes with, with the same content.
 *
 * @throws {SchemaMismatchError} if it has not: a service on such a database would fail later, statement by statement
 */
export async function requireSchema(pool: pg.Pool): Promise<void> {
  const missing = findPendingMigrations(await readMigrations(), await readAppliedMigrations(pool));
  if (missing.length === 0) return;
  throw new SchemaMismatchError(
    `the database's schema is older than this version needs: it lacks ${missing.map(({ name }) => name).join(", ")}; run the migrations first (npm run migrate, or the image migrate)`,
  );
}
