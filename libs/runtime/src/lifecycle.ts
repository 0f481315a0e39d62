import type { Logger } from "./log.ts";

/** Owns what a process opened, and closes it in reverse. */
export interface Lifecycle {
  /** Hands over something that is open, with the way to close it. Returns it. */
  own<T>(name: string, value: T, close: (value: T) => unknown): T;
  /** False from the first signal on. */
  isRunning: () => boolean;
  /** Waits for SIGTERM or SIGINT, then closes everything, last opened first, and exits. */
  runUntilSignal(): Promise<never>;
  /** After a start that failed, or where the process must not go on: says why, closes what is open, exits with status 1. */
  fail: (error: unknown) => Promise<never>;
}

/**
 * @param closeTimeoutMs - closing that takes longer is given up, with status 1; a second signal does the same at once
 */
export function createLifecycle(options: { log: Logger; closeTimeoutMs: number }): Lifecycle {
  const { log, closeTimeoutMs } = options;
  const opened: { name: string; close: () => unknown }[] = [];
  let running = true;

  async function closeAll(): Promise<boolean> {
    let clean = true;
    for (const { name, close } of opened.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        clean = false;
        log.error({ err: error }, `closing ${name} failed`);
      }
    }
    return clean;
  }

  let stopping: Promise<never> | undefined;
  function stop(status: number): Promise<never> {
    running = false;
    stopping ??= closeAndExit(status);
    return stopping;
  }

  async function closeAndExit(status: number): Promise<never> {
    const timer = setTimeout(() => {
      log.error({ closeTimeoutMs }, "closing took too long");
      process.exit(1);
    }, closeTimeoutMs);
    const clean = await closeAll();
    clearTimeout(timer);
    return process.exit(clean ? status : 1);
  }

  // From the first moment on: in a container nothing else ends the process, and a start may wait for long.
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (stopping !== undefined) process.exit(1);
      log.info({ signal }, "stopping");
      void stop(0);
    });
  }

  return {
    own(name, value, close) {
      opened.push({ name, close: () => close(value) });
      return value;
    },
    isRunning: () => running,
    runUntilSignal: () => new Promise<never>(() => {}),
    fail(error) {
      if (stopping === undefined) {
        log.fatal({ err: error }, error instanceof Error ? error.message : "start failed");
      }
      return stop(1);
    },
  };
}
