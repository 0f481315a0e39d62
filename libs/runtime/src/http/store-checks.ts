import type pg from "pg";
import { redisByName, type Shards } from "../redis/shards.ts";
import type { ReadinessCheck } from "./health.ts";

/** Checks that the stores answer. */
export interface StoreChecks {
  /** One check for each store, and for each shard of a cluster. */
  each: Readonly<Record<string, ReadinessCheck>>;
  /**
   * The conditions for readiness. One shard of a cluster is enough: while another shard has no master, its workspaces
   * are unavailable in every process, and the others are served.
   */
  ready: Readonly<Record<"postgres" | "redis", ReadinessCheck>>;
}

export function createStoreChecks(pool: pg.Pool, shards: Shards): StoreChecks {
  const postgres = async () => void (await pool.query("SELECT 1"));
  const pings = Object.entries(redisByName(shards)).map(
    ([name, redis]) => [name, async () => void (await redis.ping())] as const,
  );
  return {
    each: { postgres, ...Object.fromEntries(pings) },
    ready: {
      postgres,
      async redis() {
        try {
          await Promise.any(pings.map(([, ping]) => ping()));
        } catch (error) {
          throw error instanceof AggregateError ? error.errors[0] : error;
        }
      },
    },
  };
}
