import type { Redis } from "ioredis";
import { toRedisError } from "./redis-error.ts";

const REQUIRED = { appendonly: "yes", appendfsync: "always", "maxmemory-policy": "noeviction" } as const;

/**
 * Says why a 202 from this Redis would be a promise that a power cut can break; empty when it would not.
 * A managed Redis that hides `CONFIG` counts as one that cannot promise.
 */
export async function durabilityFaults(redis: Redis): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, wanted] of Object.entries(REQUIRED)) {
    let value: string | undefined;
    try {
      const answer = await redis.config("GET", name);
      value = answer[1];
    } catch (error) {
      // Where nobody answered, nobody knows.
      if (!(error instanceof Error) || error.name !== "ReplyError") throw toRedisError(error);
      faults.push(`${name} cannot be read (${error.message})`);
      continue;
    }
    if (value !== wanted) faults.push(`${name} is ${value ?? "unknown"}, not ${wanted}`);
  }
  return faults;
}
