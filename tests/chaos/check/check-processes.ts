import { redisByName } from "@syncline/lanes";
import type { ChaosSystem } from "../chaos-system.ts";
import type { History } from "../load/history.ts";
import type { LogLine } from "../log-reader.ts";

/** The allowed memory growth of a process since its warm-up, in its heap and outside. */
const GROWTH_BYTES_MAX = 32 * 1024 * 1024;
const REDIS_GROWTH_BYTES_MAX = 8 * 1024 * 1024;

/** Bytes in use after a garbage collection: of each process by its name, and of Redis. */
export type MemoryUse = ReadonlyMap<string, number>;

export async function measureMemory({ processes, control, shards }: ChaosSystem): Promise<MemoryUse> {
  const measured = await Promise.all(
    processes().map(async ({ name, pid }): Promise<[string, number]> => {
      if (pid === undefined) throw new Error(`${name} does not run`);
      const { heapBytes, externalBytes } = await control.readMemory(pid);
      return [name, heapBytes + externalBytes];
    }),
  );
  const stores = Object.entries(redisByName(shards)).map(async ([name, redis]): Promise<[string, number]> => {
    const used = /used_memory:(\d+)/.exec(await redis.info("memory"))?.[1];
    return [name, Number(used)];
  });
  return new Map([...measured, ...(await Promise.all(stores))]);
}

export function checkMemory(warm: MemoryUse, end: MemoryUse, history: History): void {
  for (const [name, bytes] of end) {
    const grownBytes = bytes - (warm.get(name) ?? 0);
    const bound = name.startsWith("redis") ? REDIS_GROWTH_BYTES_MAX : GROWTH_BYTES_MAX;
    if (grownBytes > bound)
      history.violate("wrong", `${name} uses ${toMiB(grownBytes)} MiB more than after its warm-up`);
  }
}

export function toMiB(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}

/** Checks that every process runs, and that none logged an error that is a fault of ours. */
export async function checkProcesses(
  { processes }: ChaosSystem,
  logged: readonly LogLine[],
  history: History,
): Promise<void> {
  for (const managed of processes())
    if (!(await managed.isReady())) history.violate("wrong", `${managed.name} is not ready in the end`);
  for (const { from, level, text } of logged)
    if (["error", "fatal", "raw"].includes(level)) history.violate("wrong", `${from} logged: ${text}`);
}
