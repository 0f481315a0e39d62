import {
  inSpan,
  linkTo,
  linkToSpan,
  markFailed,
  extractTrace,
  SpanKind,
  startSpan,
  type LaneStreams,
  type LaneWaker,
  type Logger,
  type Span,
} from "@syncline/runtime";
import type { StoredEntry } from "@syncline/shared";
import type { CommitTogether, LaneWindow } from "./commit-together.ts";

interface Deps {
  lanes: LaneStreams;
  commitTogether: CommitTogether;
  waker: LaneWaker;
  /** False once the process is stopping: a drain then ends after its window, and leaves the rest to others. */
  isRunning: () => boolean;
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
  { lanes, commitTogether, waker, isRunning, log }: Deps,
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
  async function drainWindow(window: LaneWindow): Promise<number> {
    const startedAtMs = Date.now();
    const { lane, entries } = window;
    const attributes = {
      "messaging.system": "redis",
      "messaging.operation.type": "process",
      "messaging.batch.message_count": entries.length,
      "syncline.lane": lane,
    };
    const links = entries.flatMap(({ entry }) => linkTo(entry.trace));
    return inSpan("drain lane", { kind: SpanKind.CONSUMER, attributes, links, root: true }, async (span) => {
      // Every operation's own trace shows its way through the drain, too.
      const applySpans = entries.map((stored) => startApplySpan(lane, stored, span));
      try {
        const left = await commitTogether(window);
        const durationMs = Date.now() - startedAtMs;
        log.debug({ lane, entries: entries.length, left, durationMs }, "drained a window");
        return left;
      } catch (error) {
        for (const applied of applySpans) markFailed(applied, error);
        throw error;
      } finally {
        for (const applied of applySpans) applied.end();
      }
    });
  }
}

function startApplySpan(lane: number, { entry }: StoredEntry, drain: Span): Span {
  const isBatch = entry.kind === "batch";
  return startSpan(isBatch ? "apply batch" : "apply resolution", {
    kind: SpanKind.CONSUMER,
    parent: extractTrace(entry.trace),
    links: [linkToSpan(drain)],
    attributes: {
      "syncline.lane": lane,
      ...(isBatch
        ? { "syncline.batch_id": entry.batch.batchId }
        : {
            "syncline.conflict_id": entry.resolution.conflictId,
            "syncline.round": entry.resolution.round,
          }),
    },
  });
}
