import type { BenchSystem } from "./bench-system.ts";

/** Samples of a system, four a second. */
export interface Watch {
  most: { ingestMiB: number; workerMiB: number; redisMiB: number; operations: number; bytes: number };
  /** `NaN` if it did not answer. */
  healthMs: number[];
  /** Samples until the action ends. */
  during<T>(action: () => Promise<T>): Promise<T>;
}

export function createWatch(system: BenchSystem): Watch {
  const healthMs: number[] = [];
  const most = { ingestMiB: 0, workerMiB: 0, redisMiB: 0, operations: 0, bytes: 0 };

  async function look(): Promise<void> {
    healthMs.push(await system.healthMs());
    const now = { ...(await system.memory()), ...(await system.waiting()) };
    for (const name of Object.keys(most) as (keyof typeof most)[])
      most[name] = Math.max(most[name], now[name]);
  }

  return {
    most,
    healthMs,
    async during(action) {
      const done = new AbortController();
      const looking = (async () => {
        while (!done.signal.aborted) {
          await look();
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
      })();
      try {
        return await action();
      } finally {
        done.abort();
        await looking;
      }
    },
  };
}
