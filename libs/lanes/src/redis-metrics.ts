import { createGauge, observe } from "@syncline/kit/telemetry";
import { redisByName, type Shards } from "./shards.ts";

/**
 * Observes Redis' memory, which holds accepted entries that are not committed. Every process reports the same values.
 */
export function observeRedisMemory(shards: Shards): void {
  const used = createGauge("syncline.redis.memory.used", "Memory that Redis holds. Take max, not sum", "By");
  const limit = createGauge(
    "syncline.redis.memory.limit",
    "Redis' maxmemory; absent if it is unlimited. Take max, not sum",
    "By",
  );
  for (const [name, redis] of Object.entries(redisByName(shards))) {
    const attributes = { "syncline.store": name };
    observe([used, limit], async (result) => {
      const info = await redis.info("memory");
      const valueOf = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
      result.observe(used, valueOf("used_memory"), attributes);
      const maxmemory = valueOf("maxmemory");
      if (maxmemory > 0) result.observe(limit, maxmemory, attributes);
    });
  }
}
