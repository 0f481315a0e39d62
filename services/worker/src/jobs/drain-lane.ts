import {
  createHistogram,
  inSpan,
  linkTo,
  linkToSpan,
  markFailed,
  extractTrace,
  SpanKind,
  startSpan,
  type ConflictQueue,
  type LaneStreams,
  type LaneWaker,
  type Logger,
  type ReplyPublisher,
  type Span,
} from "@syncline/runtime";
import type { Policies, StoredEntry } from "@syncline/shared";
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
  policies: Policies | undefined;
  /** False once the process is stopping: a drain then ends after its window, and leaves the rest to others. */
  isRunning: () => boolean;
  log: Logger;
}

/** Exact where most merges end, coarser up to the most that can be configured. */
const ROUND_BUCKETS = [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32];

/** After so many windows a lane goes to the back of the queue, so that the others get their turn. */
const WINDOWS_PER_DRAIN = 20;

/**
 * Drains a lane: takes a window from its head, commits it, and only then removes it, until the lane is empty. A drain
 * that fails leaves what is not committed where it was, and one that runs again finds in the ledger what is.
 *
 * With every failed attempt the window halves, down to one batch: what is too much at once passes bit by bit.
 */
export function createDrainLane(
  deps: Deps,
  options: { windowOperationsMax: number; ledgerRetentionMs: number | undefined },
): (lane: number, failedAttempts: number) => Promise<void> {
  const { lanes, replies, conflicts, waker, isRunning, log } = deps;
  const mergeRounds = createHistogram("syncline.merge.rounds", "Rounds that a merge took", ROUND_BUCKETS);

  return async function drainLane(lane, failedAttempts) {
    const operationsMax = Math.max(1, options.windowOperationsMax >> Math.min(failedAttempts, 20));
    for (let windows = 0; windows < WINDOWS_PER_DRAIN && isRunning(); windows++) {
      const { entries, deadIds } = await lanes.readWindow(lane, operationsMax);
      for (const id of deadIds) log.error({ lane, entryId: id }, "set aside an entry that cannot be read");
      if (entries.length + deadIds.length === 0) return;
      if (entries.length > 0 && (await drainWindow(lane, entries)) === 0) return;
    }
    await waker.wake(lane);
  };

  /** @returns how many entries are left on the lane */
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
      const applySpans = entries.map((stored) => startApplySpan(lane, stored, span));
      const done = { left: 0, applied: 0, changes: 0 };
      try {
        await commitWindow(entries, {
          ...deps,
          ledgerRetentionMs: options.ledgerRetentionMs,
          onCommitted: async (committed, plan) => {
            done.left = await afterCommit(lane, committed, plan);
            done.applied += plan.operationsApplied;
            done.changes += plan.changes.length;
          },
        });
      } catch (error) {
        for (const applied of applySpans) markFailed(applied, error);
        throw error;
      } finally {
        for (const applied of applySpans) applied.end();
        span.setAttributes({ "syncline.operations.applied": done.applied, "syncline.changes": done.changes });
      }
      const durationMs = Date.now() - startedAtMs;
      log.debug({ lane, entries: entries.length, ...done, durationMs }, "drained a window");
      return done.left;
    });
  }

  /** Jobs first: an entry that is removed is not seen again. Should we die in between, the window comes once more. */
  async function afterCommit(
    lane: number,
    entries: readonly StoredEntry[],
    plan: WindowPlan,
  ): Promise<number> {
    for (const rounds of plan.roundsTaken) mergeRounds.record(rounds);
    await conflicts.request(plan.rounds);
    const left = await lanes.removeEntries(lane, entries);
    const changed = plan.workspaces.map(({ workspaceId }) => ({ workspaceId }));
    await replies.publish(plan.replies, plan.settled, changed);
    return left;
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
