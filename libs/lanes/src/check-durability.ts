import type { Redis } from "ioredis";
import { toRedisError } from "./redis-error.ts";

const REQUIRED = { appendonly: "yes", appendfsync: "always", "maxmemory-policy": "noeviction" } as const;

/**
 * Returns the reasons for which a 202 from this Redis could be lost in a power failure; empty if there are none. A
 * managed Redis that hides `CONFIG` counts as not durable.
 */
export async function durabilityFaults(redis: Redis): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, wanted] of Object.entries(REQUIRED)) {
    let value: string | undefined;
    try {
      const answer = await redis.config("GET", name);
      value = answer[1];
    } catch (error) {
      // No answer means unknown, not unsafe.
      if (!(error instanceof Error) || error.name !== "ReplyError") throw toRedisError(error);
      faults.push(`${name} cannot be read (${error.message})`);
      continue;
    }
    if (value !== wanted) faults.push(`${name} is ${value ?? "unknown"}, not ${wanted}`);
  }
  return faults;
}
