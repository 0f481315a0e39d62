import type { LaneStreams, LaneWaker, Logger } from "@syncline/runtime";
import type { DrainMetrics } from "../io/drain-metrics.ts";
import type { CommitTogether, LaneWindow } from "./commit-together.ts";
import { traceDrain } from "./trace-drain.ts";

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
      const { entries, bytes, deadIds } = await lanes.readWindow(lane, operationsMax);
      for (const id of deadIds) log.error({ lane, entryId: id }, "set aside an entry that cannot be read");
      if (entries.length + deadIds.length === 0) return;
      const alone = failedAttempts > 0;
      if (entries.length > 0 && (await drainWindow({ lane, entries, bytes, alone })) === 0) return;
    }
    await waker.wake(lane);
  };

  /** @returns how many entries are left on the lane */
  async function drainWindow(window: Omit<LaneWindow, "onCommitted">): Promise<number> {
    const startedAtMs = performance.now();
    const { lane, entries } = window;
    return traceDrain(lane, entries, async (traced, trace) => {
      try {
        const left = await commitTogether({ ...window, entries: traced, onCommitted: trace.committed });
        const durationMs = Math.round(performance.now() - startedAtMs);
        log.debug({ lane, entries: entries.length, left, durationMs }, "drained a window");
        return left;
      } finally {
        metrics.drained(entries.length, performance.now() - startedAtMs);
      }
    });
  }
}
