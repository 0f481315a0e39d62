import type { Redis } from "ioredis";
import { createGauge, observe } from "./metrics.ts";

/** How full Redis is: what is accepted and not committed lies there. The same from every process. */
export function observeRedisMemory(redis: Redis): void {
  const used = createGauge("syncline.redis.memory.used", "Memory that Redis holds. Take max, not sum", "By");
  const limit = createGauge(
    "syncline.redis.memory.limit",
    "Redis' maxmemory; not there where there is none. Take max, not sum",
    "By",
  );
  observe([used, limit], async (result) => {
    const info = await redis.info("memory");
    const valueOf = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
    result.observe(used, valueOf("used_memory"));
    const maxmemory = valueOf("maxmemory");
    if (maxmemory > 0) result.observe(limit, maxmemory);
  });
}
