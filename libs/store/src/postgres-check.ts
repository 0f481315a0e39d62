import type pg from "pg";
import type { ReadinessCheck } from "@syncline/kit/process";

/** Checks that Postgres answers. */
export function createPostgresCheck(pool: pg.Pool): ReadinessCheck {
  return async () => void (await pool.query("SELECT 1"));
}
