import type { Service } from "@syncline/kit/process";
import { createRedisChecks, type RedisChecks } from "./redis-checks.ts";
import { openRedis, type OpenRedis, type RedisAddress } from "./shards.ts";

/** Connects a service to the Redis of its lanes. */
export function openLanes(
  service: Pick<Service, "own" | "onConnectionError">,
  env: RedisAddress,
): OpenRedis & { checks: RedisChecks } {
  const redis = service.own("redis", openRedis(env, service.onConnectionError), (r) => r.close());
  return { ...redis, checks: createRedisChecks(redis.shards) };
}
