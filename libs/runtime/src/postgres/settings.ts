import { isLaneCount } from "@syncline/shared";
import type pg from "pg";
import { requireSchema } from "./require-schema.ts";

/** What is true of the whole database. */
export interface DatabaseSettings {
  /** The identity of the database's history. */
  epoch: string;
}

/**
 * Reads the database's settings, stores the number of lanes at the first start, and begins a new epoch where the database
 * was restored since the last one.
 * @throws when the schema is older than this version needs, or when this process is configured with another number of
 *   lanes than the database was: a workspace would change its lane, and two drains could work on it
 */
export async function claimSettings(pool: pg.Pool, lanes: number): Promise<DatabaseSettings> {
  if (!isLaneCount(lanes)) throw new Error(`LANES is ${lanes}; it must be a power of two`);
  await requireSchema(pool);
  const { rows } = await pool.query<{ name: string; value: string }>(
    "SELECT name, value FROM claim_settings($1)",
    [lanes],
  );
  const valueByName = new Map(rows.map((row) => [row.name, row.value]));
  const stored = Number(valueByName.get("lanes"));
  if (stored !== lanes) {
    throw new Error(`LANES is ${lanes}, but this database was set up with ${stored}; set LANES=${stored}`);
  }
  const epoch = valueByName.get("epoch");
  if (epoch === undefined)
    throw new Error("the database has no epoch: its table settings was changed by hand");
  return { epoch };
}
