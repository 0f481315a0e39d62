import type { Logger } from "./log.ts";

/** Something that is done again and again. */
export interface Repeating {
  /** Waits for the run in flight, and runs no more. */
  stop(): Promise<void>;
}

/** Runs something at intervals, counted from the end of the run before; a run that fails is logged and does not end it. */
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
