import {
  activeContext,
  inSharedContext,
  WINDOW_BYTES_MAX,
  type ConflictQueue,
  type LaneStreams,
  type Logger,
  type ReplyPublisher,
  type TraceContext,
} from "@syncline/runtime";
import type { Policies, StoredEntry } from "@syncline/shared";
import type { WindowPlan } from "../core/window-plan.ts";
import type { DrainMetrics } from "../io/drain-metrics.ts";
import type { WindowStore } from "../io/pg-store.ts";
import { commitWindow } from "./commit-window.ts";
import { queueRounds } from "./queue-rounds.ts";

interface Deps {
  lanes: LaneStreams;
  store: WindowStore;
  replies: ReplyPublisher;
  conflicts: ConflictQueue;
  newId: () => string;
  policies: Policies | undefined;
  metrics: Pick<DrainMetrics, "committed">;
  log: Logger;
}

interface Options {
  /** Most operations of windows that are committed together. */
  windowOperationsMax: number;
  ledgerRetentionMs: number | undefined;
}

/** A lane's window, as its drain has read it. */
export interface LaneWindow {
  lane: number;
  entries: readonly StoredEntry[];
  bytes: number;
  /** Committed with no other: its drain has failed before, and must neither take others with it nor be taken by them. */
  alone: boolean;
  /** Told of each plan that holds some of it, perhaps with other windows', once that is committed. */
  onCommitted: (plan: WindowPlan) => void;
}

/**
 * Commits a window, takes its entries off their lane, and tells who waits.
 * @returns how many entries are left on the lane
 */
export type CommitTogether = (window: LaneWindow) => Promise<number>;

/** How many a process has under way: one is with Postgres while the other plans, or is told of. More only contend. */
export const COMMITS_MAX = 2;

/**
 * Commits the windows of several lanes in one transaction: what drains bring while others are being committed goes
 * together into the next commit, so that the busier it gets the less each window costs. Lanes share no workspace, so
 * their windows are independent. Where a commit fails, all its windows fail, and come again alone.
 */
export function createCommitTogether(deps: Deps, options: Options): CommitTogether {
  const { lanes, replies, conflicts, metrics } = deps;
  const waiting: (LaneWindow & PromiseWithResolvers<number> & { context: TraceContext })[] = [];
  let underWay = 0;

  return (window) => {
    const settled = Promise.withResolvers<number>();
    waiting.push({ ...window, ...settled, context: activeContext() });
    startNext();
    return settled.promise;
  };

  function startNext(): void {
    while (underWay < COMMITS_MAX && waiting.length > 0) {
      const windows = waiting.splice(0, countTogether(waiting, options.windowOperationsMax));
      underWay++;
      inSharedContext(
        windows.map(({ context }) => context),
        () => commit(windows),
      )
        .then(
          (leftByLane) => windows.forEach(({ lane, resolve }) => resolve(leftByLane.get(lane) ?? 0)),
          (error: unknown) => windows.forEach(({ reject }) => reject(error)),
        )
        .finally(() => {
          underWay--;
          startNext();
        });
    }
  }

  async function commit(windows: readonly LaneWindow[]): Promise<Map<number, number>> {
    const laneByEntry = new Map(
      windows.flatMap(({ lane, entries }) => entries.map((entry) => [entry, lane])),
    );
    const leftByLane = new Map<number, number>();
    await commitWindow([...laneByEntry.keys()], {
      ...deps,
      ledgerRetentionMs: options.ledgerRetentionMs,
      async onCommitted(entries, plan) {
        metrics.committed(plan);
        for (const { onCommitted } of windows) onCommitted(plan);
        const entriesByLane = Map.groupBy(entries, (entry) => laneByEntry.get(entry) ?? -1);
        for (const [lane, left] of await afterCommit(entriesByLane, plan)) leftByLane.set(lane, left);
      },
    });
    return leftByLane;
  }

  /**
   * Jobs first: an entry that is removed is not seen again. Should we die in between, the window comes once more.
   * The replies follow without waiting: one connection keeps the order, so what is told of is off its lane.
   */
  async function afterCommit(
    entriesByLane: ReadonlyMap<number, readonly StoredEntry[]>,
    plan: WindowPlan,
  ): Promise<[number, number][]> {
    await queueRounds(conflicts, plan.rounds);
    const removals = [...entriesByLane].map(async ([lane, entries]): Promise<[number, number]> => [
      lane,
      await lanes.removeEntries(lane, entries),
    ]);
    const changed = plan.workspaces.map(({ workspaceId }) => ({ workspaceId }));
    const told = replies.publish(plan.replies, plan.settled, changed);
    const [left] = await Promise.all([Promise.all(removals), told]);
    return left;
  }
}

/** How many of the windows that wait, from the first on, go together: one at least. */
function countTogether(windows: readonly LaneWindow[], operationsMax: number): number {
  let operationsLeft = operationsMax;
  let bytesLeft = WINDOW_BYTES_MAX;
  let count = 0;
  for (const { entries, bytes, alone } of windows) {
    operationsLeft -= entries.reduce((sum, { entry }) => sum + operationsIn(entry), 0);
    bytesLeft -= bytes;
    if (count > 0 && (alone || operationsLeft < 0 || bytesLeft < 0)) break;
    count++;
    if (alone) break;
  }
  return count;
}

function operationsIn(entry: StoredEntry["entry"]): number {
  return entry.kind === "batch" ? entry.batch.operations.length : 1;
}
