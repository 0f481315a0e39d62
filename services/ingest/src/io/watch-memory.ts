import { repeat, type Repeating } from "@syncline/kit/process";
import type { Logger } from "@syncline/kit/telemetry";
import type { connectRedis } from "@syncline/lanes";

type Redis = ReturnType<typeof connectRedis>;

/** Tracks whether Redis has memory left for batches. */
export interface MemoryWatch extends Repeating {
  hasRoom: () => boolean;
}

const LOOK_INTERVAL_MS = 1_000;
/** The rest is for the jobs and removals that free memory: if Redis refuses those, no lane is drained any more. */
const SHARE_FOR_BATCHES = 0.9;

/** Checks immediately, then every second. A Redis without `maxmemory` counts as having room. */
export async function watchMemory(redis: Redis, log: Logger): Promise<MemoryWatch> {
  let hasRoom = true;

  async function look(): Promise<void> {
    const info = await redis.info("memory");
    const read = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
    const max = read("maxmemory");
    const used = read("used_memory") - read("mem_not_counted_for_evict");
    const hadRoom = hasRoom;
    hasRoom = max === 0 || used <= SHARE_FOR_BATCHES * max;
    if (hadRoom && !hasRoom) log.warn({ used, max }, "Redis has little memory left, so no batch is accepted");
  }

  await look();
  const looking = repeat("the check of Redis's memory", look, { intervalMs: LOOK_INTERVAL_MS, log });
  return { hasRoom: () => hasRoom, stop: () => looking.stop() };
}
