import type { Redis } from "ioredis";
import type pg from "pg";
import type { ReadinessCheck } from "./health.ts";

/** Whether both stores answer. */
export function createStoreChecks(pool: pg.Pool, redis: Redis): Record<"postgres" | "redis", ReadinessCheck> {
  return {
    postgres: async () => void (await pool.query("SELECT 1")),
    redis: async () => void (await redis.ping()),
  };
}
