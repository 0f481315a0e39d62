import type { Logger } from "../telemetry/log.ts";

/** A task that runs at intervals. */
export interface Repeating {
  /** Waits for the run in flight and starts no other. */
  stop(): Promise<void>;
}

/**
 * Runs a task at intervals, measured from the end of the previous run. A failed run is logged, and the next one
 * follows.
 */
export function repeat(
  what: string,
  run: () => Promise<void>,
  options: { intervalMs: number; log: Logger },
): Repeating {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function runOnce(): Promise<void> {
    try {
      await run();
    } catch (error) {
      options.log.warn({ err: error }, `${what} failed; the next run tries again`);
    }
    if (!stopped) schedule();
  }

  function schedule(): void {
    timer = setTimeout(() => {
      running = runOnce();
    }, options.intervalMs);
  }

  schedule();
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
