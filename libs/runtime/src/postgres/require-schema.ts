import type pg from "pg";
import { listMigrations } from "./migration-files.ts";

/**
 * Looks whether a database has every migration that this version comes with. One that has more is fine: migrations leave
 * the version before them running (docs/operations/upgrades.md).
 * @throws when one is missing: a service on such a database would fail in mid-work, statement by statement
 */
export async function requireSchema(pool: pg.Pool): Promise<void> {
  const { rows: tables } = await pool.query<{ there: boolean }>(
    "SELECT to_regclass('schema_migrations') IS NOT NULL AS there",
  );
  const { rows } = tables[0]?.there
    ? await pool.query<{ name: string }>("SELECT name FROM schema_migrations")
    : { rows: [] };
  const applied = new Set(rows.map(({ name }) => name));
  const missing = (await listMigrations()).filter((name) => !applied.has(name));
  if (missing.length === 0) return;
  throw new Error(
    `the database's schema is older than this version needs: it lacks ${missing.join(", ")}; run the migrations first (npm run migrate, or the image migrate)`,
  );
}
