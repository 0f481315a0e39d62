import type { Logger } from "@syncline/kit/telemetry";
import type { LanePart, LaneStreams, ReadWindow } from "@syncline/lanes";
import type { LaneWaker } from "@syncline/lanes/queues";
import { dispositionOf, SynclineError, type StoredEntry, type WorkspaceId } from "@syncline/shared/protocol";
import type { DrainMetrics } from "../io/drain-metrics.ts";
import type { WindowStore } from "../io/window-store.ts";
import type { CommitTurn } from "./commit-queue.ts";
import { idsOf } from "./ids-of-entries.ts";
import { traceDrain, type DrainTrace } from "./trace-drain.ts";

interface Deps {
  lanes: LaneStreams;
  store: Pick<WindowStore, "findLocked">;
  groupCommit: CommitTurn;
  waker: LaneWaker;
  /** False once the process is stopping: a drain then ends after its window, and other workers take the rest. */
  isRunning: () => boolean;
  metrics: DrainMetrics;
  log: Logger;
}

/** The number of windows after which a lane goes to the back of the queue, so that other lanes get their turn. */
const WINDOWS_PER_DRAIN = 20;

/**
 * Drains a lane, or a deferred workspace of one: takes a window from its head, commits it, and only then removes
 * it, until the lane is empty. A failed drain leaves uncommitted entries in place, and a repeated one finds
 * committed entries in the ledger. A deferred workspace without entries returns to its lane.
 *
 * The window halves with every failed attempt, down to one batch, so that a load that is too much at once passes in
 * parts.
 */
export function createDrainLane(
  deps: Deps,
  options: { windowOperationsMax: number },
): (part: LanePart, failedAttempts: number) => Promise<void> {
  const { lanes, groupCommit, waker, isRunning, log } = deps;
  return async function drainLane(part, failedAttempts) {
    const { lane, workspaceId } = part;
    const operationsMax = Math.max(1, options.windowOperationsMax >> Math.min(failedAttempts, 20));
    for (let windows = 0; windows < WINDOWS_PER_DRAIN && isRunning(); windows++) {
      if ((await drainWindow(part, { operationsMax, failedAttempts })) > 0) continue;
      if (workspaceId !== undefined) await lanes.readmitWorkspace(lane, workspaceId);
      return;
    }
    await (workspaceId === undefined ? waker.wake(lane) : waker.wakeDeferred({ lane, workspaceId }, 0));
  };

  /** @returns the number of entries left on the lane, or of the workspace */
  async function drainWindow(
    part: LanePart,
    { operationsMax, failedAttempts }: { operationsMax: number; failedAttempts: number },
  ): Promise<number> {
    let drain: Drain | undefined;
    try {
      return await groupCommit({
        ...part,
        alone: failedAttempts > 0 || part.workspaceId !== undefined,
        async read() {
          const startedAtMs = performance.now();
          const { entries, bytes } = await readWindow(deps, part, operationsMax);
          if (entries.length === 0) return undefined;
          const trace = traceDrain(part.lane, entries);
          drain = { trace, startedAtMs, entries };
          if (part.workspaceId !== undefined) await requireUnlocked(deps.store, part.workspaceId, entries);
          return { entries: trace.entries, bytes, context: trace.context, onCommitted: trace.committed };
        },
      });
    } catch (error) {
      drain?.trace.failed(error);
      const level = dispositionOf(error) === "fatal" ? "error" : "warn";
      const attempt = failedAttempts + 1;
      log[level](
        { err: error, ...part, attempt, ...idsOf(drain?.entries ?? []) },
        "a drain failed and will be tried again",
      );
      throw error;
    } finally {
      if (drain !== undefined) endDrain(deps, part.lane, drain);
    }
  }
}

/**
 * Throws if another transaction holds rows of a deferred workspace: its commit must not wait for locks, because other
 * commits would wait with it.
 */
async function requireUnlocked(
  store: Deps["store"],
  workspaceId: WorkspaceId,
  entries: readonly StoredEntry[],
): Promise<void> {
  if ((await store.findLocked(entries)).size === 0) return;
  throw new SynclineError(
    "SYN_POSTGRES_CONTENTION",
    `Another transaction holds rows of workspace ${workspaceId}`,
  );
}

/** Reads the next window; reads on if all its entries had to be dead-lettered. */
async function readWindow(
  { lanes, waker, log }: Pick<Deps, "lanes" | "waker" | "log">,
  part: LanePart,
  operationsMax: number,
): Promise<ReadWindow> {
  const { lane } = part;
  for (;;) {
    const window = await lanes.readWindow(part, operationsMax);
    for (const id of window.deadLetterIds) {
      log.error({ lane, entryId: id }, "dead-lettered an entry that cannot be read");
    }
    for (const workspaceId of window.movedWorkspaceIds) await waker.wakeDeferred({ lane, workspaceId }, 0);
    if (window.entries.length > 0 || window.deadLetterIds.length === 0) return window;
  }
}

function endDrain(
  { metrics, log }: Pick<Deps, "metrics" | "log">,
  lane: number,
  { trace, startedAtMs, entries }: Drain,
): void {
  const durationMs = performance.now() - startedAtMs;
  trace.end(durationMs);
  metrics.drained(entries.length, durationMs);
  log.debug({ lane, entries: entries.length, durationMs: Math.round(durationMs) }, "drained a window");
}

/** The drain of a window, from its read on. */
interface Drain {
  trace: DrainTrace;
  startedAtMs: number;
  entries: readonly StoredEntry[];
}
