import { isLaneCount, isShardCount } from "@syncline/shared/protocol";
import type pg from "pg";
import { requireSchema } from "./require-schema.ts";

/** Settings of the whole database. */
export interface DatabaseSettings {
  /** The identity of the database's history. */
  epoch: string;
  /** The server that the epoch belongs to, and its timeline. */
  history: string;
}

/**
 * Reads the database's settings. Stores the numbers of lanes and shards at the first start, and begins a new epoch if
 * the database was restored since the last start.
 *
 * @throws if the schema is too old for this version, or if this process is configured with other numbers than the
 *   stored ones: a workspace would change its lane, and two drains could work on it, or entries on a lane would not be
 *   found
 */
export async function claimSettings(
  pool: pg.Pool,
  { lanes, shards }: { lanes: number; shards: number },
): Promise<DatabaseSettings> {
  if (!isLaneCount(lanes)) throw new Error(`LANES is ${lanes}, but it must be a power of two`);
  if (!isShardCount(shards, lanes)) {
    throw new Error(
      `REDIS_SHARDS is ${shards}, but it must be a power of two and no more than LANES, ${lanes}`,
    );
  }
  await requireSchema(pool);
  const { rows } = await pool.query<{ name: string; value: string }>(
    "SELECT name, value FROM claim_settings($1, $2)",
    [lanes, shards],
  );
  const valueByName = new Map(rows.map((row) => [row.name, row.value]));
  requireStored("LANES", lanes, valueByName.get("lanes"));
  requireStored("REDIS_SHARDS", shards, valueByName.get("shards"));
  const epoch = valueByName.get("epoch");
  const history = valueByName.get("history");
  if (epoch === undefined || history === undefined)
    throw new Error("the database has no epoch: restore the row epoch of its table settings");
  return { epoch, history };
}

function requireStored(variable: string, value: number, stored: string | undefined): void {
  if (Number(stored) === value) return;
  throw new Error(
    `${variable} is ${value}, but this database was set up with ${stored}; set ${variable}=${stored}`,
  );
}
