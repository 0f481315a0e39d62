import { repeat, type connectRedis, type Logger, type Repeating } from "@syncline/runtime";

type Redis = ReturnType<typeof connectRedis>;

/** Knows whether Redis has room left for batches. */
export interface MemoryWatch extends Repeating {
  hasRoom: () => boolean;
}

const LOOK_INTERVAL_MS = 1_000;
/** The rest is for the jobs and removals that make room: where Redis refuses those, no lane is drained any more. */
const SHARE_FOR_BATCHES = 0.9;

/** Looks now, and every second. A Redis without `maxmemory` counts as one with room. */
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
  const looking = repeat("the look at Redis's memory", look, { intervalMs: LOOK_INTERVAL_MS, log });
  return { hasRoom: () => hasRoom, stop: () => looking.stop() };
}
