import type { Logger } from "../telemetry/log.ts";

/** Owns the resources that a process opened, and closes them in reverse order. */
export interface Lifecycle {
  /** Hands over an open resource and the function that closes it. Returns the resource. */
  own: <T>(name: string, value: T, close: (value: T) => unknown) => T;
  /** False after the first signal. */
  isRunning: () => boolean;
  /** Waits for SIGTERM or SIGINT, closes all resources, the last opened first, and exits. */
  runUntilSignal(): Promise<never>;
  /**
   * Logs the error, closes the open resources and exits with status 1. For a failed start, or a process that must not
   * continue.
   */
  fail: (error: unknown) => Promise<never>;
}

/**
 * Creates the lifecycle of this process.
 *
 * @param closeTimeoutMs - closing that takes longer is abandoned, with status 1; so it is at a second signal
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

  // Installed at once: in a container no default handler ends the process, and a start may wait for minutes.
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
