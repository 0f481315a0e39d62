import type pg from "pg";
import { findPendingMigrations, readAppliedMigrations, SchemaMismatchError } from "./applied-migrations.ts";
import { readMigrations } from "./migration-files.ts";

/**
 * Checks that a database has every migration of this version, with the same content.
 *
 * @throws {SchemaMismatchError} otherwise: a service on such a database would fail later, at some statement
 */
export async function requireSchema(pool: pg.Pool): Promise<void> {
  const missing = findPendingMigrations(await readMigrations(), await readAppliedMigrations(pool));
  if (missing.length === 0) return;
  throw new SchemaMismatchError(
    `the database's schema is too old for this version: it lacks ${missing.map(({ name }) => name).join(", ")}; run the migrations first (npm run migrate, or the image migrate)`,
  );
}
