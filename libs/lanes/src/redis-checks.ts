import type { ReadinessCheck } from "@syncline/kit/process";
import { redisByName, type Shards } from "./shards.ts";

/** Checks that Redis answers. */
export interface RedisChecks {
  /** One check for each connection: `redis`, or one for each shard of a cluster. */
  each: Readonly<Record<string, ReadinessCheck>>;
  /**
   * The condition for readiness. One shard of a cluster is enough: while another shard has no master, its workspaces
   * are unavailable in every process, and the others are served.
   */
  ready: ReadinessCheck;
}

export function createRedisChecks(shards: Shards): RedisChecks {
  const pings = Object.entries(redisByName(shards)).map(
    ([name, redis]) => [name, async () => void (await redis.ping())] as const,
  );
  return {
    each: Object.fromEntries(pings),
    async ready() {
      try {
        await Promise.any(pings.map(([, ping]) => ping()));
      } catch (error) {
        throw error instanceof AggregateError ? error.errors[0] : error;
      }
    },
  };
}
