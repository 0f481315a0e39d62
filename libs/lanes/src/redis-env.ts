import { z } from "zod";
import type { RedisAddress } from "./shards.ts";

/** Bounds the connections: each process opens a few to every shard. */
const SHARDS_MAX = 256;

/** Variables of every process that uses the lanes. */
export const redisEnv = {
  REDIS_URL: z
    .string()
    .transform((list) => list.split(/,\s*(?=rediss?:)/))
    .pipe(z.array(z.url({ protocol: /^rediss?$/ })))
    .describe(
      "Redis 7 or Valkey, as redis://host:port/number. For a cluster: one node or several, comma-separated; the other nodes are discovered; the first URL's user and password apply to all",
    ),
  REDIS_CLUSTER: z
    .enum(["true", "false"])
    .default("false")
    .describe("true if REDIS_URL names nodes of a Redis Cluster"),
  REDIS_SHARDS: z.coerce
    .number()
    .int()
    .min(1)
    .max(SHARDS_MAX)
    .default(1)
    .describe(
      "The number of shards that the lanes are spread over on a cluster: a power of two, at most LANES; four per master spread well. Stored at the first start; a process with another number refuses to start",
    ),
  LANES: z.coerce
    .number()
    .int()
    .default(16)
    .describe(
      "The number of lanes, a power of two. Stored at the first start; a process with another number refuses to start",
    ),
} as const;

/** Rejects Redis variables that contradict each other. */
export function refineRedisEnv(
  env: Pick<RedisAddress, "REDIS_URL" | "REDIS_CLUSTER">,
  context: z.RefinementCtx,
): void {
  const isCluster = env.REDIS_CLUSTER === "true";
  const refuse = (message: string) => context.addIssue({ code: "custom", path: ["REDIS_URL"], message });
  if (!isCluster && env.REDIS_URL.length > 1) refuse("it names several nodes, but REDIS_CLUSTER is not true");
  if (isCluster && env.REDIS_URL.some((url) => !/^\/?0?$/.test(new URL(url).pathname))) {
    refuse("a cluster has one database only, number 0");
  }
}
