import {
  inSpan,
  linkTo,
  linkToSpan,
  extractTrace,
  SpanKind,
  startSpan,
  type ConflictQueue,
  type LaneStreams,
  type LaneWaker,
  type Logger,
  type ReplyPublisher,
  type StoredEntry,
} from "@syncline/runtime";
import type { WindowPlan } from "../core/window-plan.ts";
import type { WindowStore } from "../io/pg-store.ts";
import { commitWindow } from "./commit-window.ts";

interface Deps {
  lanes: LaneStreams;
  store: WindowStore;
  replies: ReplyPublisher;
  conflicts: ConflictQueue;
  waker: LaneWaker;
  newId: () => string;
  log: Logger;
}

/** After so many windows a lane goes to the back of the queue, so that the others get their turn. */
const WINDOWS_PER_DRAIN = 20;

/**
 * Drains a lane: takes a window from its head, commits it, and only then removes it, until the lane is empty. A drain
 * that fails leaves the lane as it was, and one that runs again finds in the ledger what was committed.
 */
export function createDrainLane(
  deps: Deps,
  options: { windowOperationsMax: number },
): (lane: number) => Promise<void> {
  const { lanes, replies, conflicts, waker, log } = deps;

  return async function drainLane(lane) {
    for (let windows = 0; windows < WINDOWS_PER_DRAIN; windows++) {
      const { entries, deadIds } = await lanes.readWindow(lane, options.windowOperationsMax);
      for (const id of deadIds) log.error({ lane, entryId: id }, "set aside an entry that cannot be read");
      if (entries.length === 0) return;
      const left = await drainWindow(lane, entries);
      if (left === 0) return;
    }
    await waker.wake(lane);
  };

  async function drainWindow(lane: number, entries: StoredEntry[]): Promise<number> {
    const startedAtMs = Date.now();
    const attributes = {
      "messaging.system": "redis",
      "messaging.operation.type": "process",
      "messaging.batch.message_count": entries.length,
      "syncline.lane": lane,
    };
    const links = entries.flatMap(({ entry }) => linkTo(entry.trace));
    return inSpan("drain lane", { kind: SpanKind.CONSUMER, attributes, links, root: true }, async (span) => {
      // Every operation's own trace shows its way through the drain, too.
      const applySpans = entries.map(({ entry }) =>
        startSpan(entry.kind === "batch" ? "apply batch" : "apply resolution", {
          kind: SpanKind.CONSUMER,
          parent: extractTrace(entry.trace),
          links: [linkToSpan(span)],
          attributes: {
            "syncline.lane": lane,
            ...(entry.kind === "batch"
              ? { "syncline.batch_id": entry.batch.batchId }
              : {
                  "syncline.conflict_id": entry.resolution.conflictId,
                  "syncline.round": entry.resolution.round,
                }),
          },
        }),
      );
      try {
        const plan = await commitWindow(
          entries.map(({ entry }) => entry),
          deps,
        );
        span.setAttributes({
          "syncline.operations.applied": plan.operationsApplied,
          "syncline.changes": plan.changes.length,
        });
        const left = await afterCommit(lane, entries, plan);
        const durationMs = Date.now() - startedAtMs;
        log.debug(
          {
            lane,
            entries: entries.length,
            applied: plan.operationsApplied,
            changes: plan.changes.length,
            left,
            durationMs,
          },
          "drained a window",
        );
        return left;
      } finally {
        for (const applied of applySpans) applied.end();
      }
    });
  }

  /** Jobs first: an entry that is removed is not seen again. Should we die in between, the window comes once more. */
  async function afterCommit(lane: number, entries: StoredEntry[], plan: WindowPlan): Promise<number> {
    await conflicts.request(plan.rounds);
    const left = await lanes.removeEntries(lane, entries);
    await replies.publish(plan.replies, plan.settled);
    return left;
  }
}
