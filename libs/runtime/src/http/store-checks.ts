import type pg from "pg";
import { redisByName, type Shards } from "../redis/shards.ts";
import type { ReadinessCheck } from "./health.ts";

/** Whether the stores answer. */
export interface StoreChecks {
  /** Of each store by itself, every shard of a cluster among them. */
  each: Readonly<Record<string, ReadinessCheck>>;
  /**
   * What must hold to be given work. Of a cluster one shard is enough: while another one has no master, its workspaces fare
   * the same with every process, and the others are served.
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
