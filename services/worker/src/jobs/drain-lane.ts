import type { LaneStreams, LaneWaker, Logger, ReadWindow } from "@syncline/runtime";
import type { DrainMetrics } from "../io/drain-metrics.ts";
import type { CommitTogether } from "./commit-together.ts";
import { traceDrain, type DrainTrace } from "./trace-drain.ts";

interface Deps {
  lanes: LaneStreams;
  commitTogether: CommitTogether;
  waker: LaneWaker;
  /** False once the process is stopping: a drain then ends after its window, and leaves the rest to others. */
  isRunning: () => boolean;
  metrics: DrainMetrics;
  log: Logger;
}

/** After so many windows a lane goes to the back of the queue, so that the others get their turn. */
const WINDOWS_PER_DRAIN = 20;

/**
 * Drains a lane: takes a window from its head, commits it, and only then removes it, until the lane is empty. A drain
 * that fails leaves what is not committed where it was, and one that runs again finds in the ledger what is.
 *
 * With every failed attempt the window halves, down to one batch: what is too much at once passes bit by bit.
 */
export function createDrainLane(
  { lanes, commitTogether, waker, isRunning, metrics, log }: Deps,
  options: { windowOperationsMax: number },
): (lane: number, failedAttempts: number) => Promise<void> {
  return async function drainLane(lane, failedAttempts) {
    const operationsMax = Math.max(1, options.windowOperationsMax >> Math.min(failedAttempts, 20));
    for (let windows = 0; windows < WINDOWS_PER_DRAIN && isRunning(); windows++) {
      if ((await drainWindow(lane, { operationsMax, alone: failedAttempts > 0 })) === 0) return;
    }
    await waker.wake(lane);
  };

  /** @returns how many entries are left on the lane */
  async function drainWindow(
    lane: number,
    { operationsMax, alone }: { operationsMax: number; alone: boolean },
  ): Promise<number> {
    let drain: Drain | undefined;
    try {
      return await commitTogether({
        lane,
        alone,
        async read() {
          const startedAtMs = performance.now();
          const { entries, bytes } = await readWindow(lane, operationsMax);
          if (entries.length === 0) return undefined;
          const trace = traceDrain(lane, entries);
          drain = { trace, startedAtMs, entries: entries.length };
          return { entries: trace.entries, bytes, context: trace.context, onCommitted: trace.committed };
        },
      });
    } catch (error) {
      drain?.trace.failed(error);
      throw error;
    } finally {
      if (drain !== undefined) end(lane, drain);
    }
  }

  /** Reads on where all that there was had to be set aside. */
  async function readWindow(lane: number, operationsMax: number): Promise<ReadWindow> {
    for (;;) {
      const window = await lanes.readWindow(lane, operationsMax);
      for (const id of window.deadIds) {
        log.error({ lane, entryId: id }, "set aside an entry that cannot be read");
      }
      if (window.entries.length > 0 || window.deadIds.length === 0) return window;
    }
  }

  function end(lane: number, { trace, startedAtMs, entries }: Drain): void {
    const durationMs = performance.now() - startedAtMs;
    trace.end(durationMs);
    metrics.drained(entries, durationMs);
    log.debug({ lane, entries, durationMs: Math.round(durationMs) }, "drained a window");
  }
}

/** The drain of a window, from its read on. */
interface Drain {
  trace: DrainTrace;
  startedAtMs: number;
  entries: number;
}
