import { toRedisError, type Shard, type Shards } from "@syncline/lanes";
import { assertInvariant, Problem, type BatchHead } from "@syncline/shared/protocol";
import type { Response } from "express";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";

/** Length of the counting window, so that a device may send its collected operations in one go. */
export const RATE_WINDOW_SECONDS = 10;

/** Counts operations against their rate limits, across all ingest processes. */
export interface RateLimits {
  /** @throws a problem (429) if a limit is exceeded */
  count(response: Pick<Response, "set">, batch: BatchHead): Promise<void>;
}

/**
 * Creates the limits, given in operations per second; 0 is no limit.
 * @returns `undefined` if no limit is set, so that no request asks Redis
 */
export function createRateLimits(
  shards: Shards,
  rates: { workspace: number; subject: number },
): RateLimits | undefined {
  const limits = (["workspace", "subject"] as const)
    .filter((name) => rates[name] > 0)
    .map((name) => {
      const points = rates[name] * RATE_WINDOW_SECONDS;
      return { name, points, limiters: shards.all.map((shard) => createLimiter(shard, name, points)) };
    });
  if (limits.length === 0) return undefined;
  const policy = limits
    .map(({ name, points }) => `"${name}";q=${points};qu="operations";w=${RATE_WINDOW_SECONDS}`)
    .join(", ");

  return {
    async count(response, { workspaceId, subject, operations }) {
      const keyByName = { workspace: workspaceId, subject };
      const counted = await Promise.all(
        limits.map(async ({ name, limiters }) => {
          const key = keyByName[name];
          const limiter = limiters[shards.of(key).index];
          assertInvariant(limiter !== undefined, "a shard has no limiter");
          return { name, ...(await consume(limiter, key, operations.length)) };
        }),
      );
      response.set("ratelimit-policy", policy);
      response.set(
        "ratelimit",
        counted.map(({ name, left, seconds }) => `"${name}";r=${left};t=${seconds}`).join(", "),
      );
      const beyond = counted.filter(({ refused }) => refused);
      if (beyond.length === 0) return;
      throw new Problem("rate-limited", {
        detail: `Rate limit of the ${beyond.map(({ name }) => name).join(" and the ")} exceeded; wait for Retry-After`,
        retryAfterSeconds: Math.max(...beyond.map(({ seconds }) => seconds)),
      });
    },
  };
}

function createLimiter({ redis, keys }: Shard, name: string, points: number): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `${keys.ratePrefix}:${name}`,
    points,
    duration: RATE_WINDOW_SECONDS,
    // A key that has used up its points is rejected without asking Redis until the window ends.
    inMemoryBlockOnConsumed: points,
  });
}

async function consume(
  limiter: RateLimiterRedis,
  key: string,
  operations: number,
): Promise<{ left: number; seconds: number; refused: boolean }> {
  const outcomeOf = ({ remainingPoints, msBeforeNext }: RateLimiterRes, refused: boolean) => ({
    left: remainingPoints,
    seconds: Math.max(1, Math.ceil(msBeforeNext / 1_000)),
    refused,
  });
  try {
    return outcomeOf(await limiter.consume(key, operations), false);
  } catch (error) {
    // The limiter throws the outcome of a rejected call.
    if (error instanceof RateLimiterRes) return outcomeOf(error, true);
    throw toRedisError(error);
  }
}
