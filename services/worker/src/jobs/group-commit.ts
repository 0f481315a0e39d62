import type { Logger } from "@syncline/kit/telemetry";
import { workspaceOf, type LanePart, type LaneStreams, type ReplyPublisher } from "@syncline/lanes";
import type { ConflictQueue, LaneWaker } from "@syncline/lanes/queues";
import type { Policies } from "@syncline/shared/merge";
import { backoffMs, DRAIN_BACKOFF, type StoredEntry, type SynclineError } from "@syncline/shared/protocol";
import type { WindowPlan } from "../core/window-plan.ts";
import type { DrainMetrics } from "../io/drain-metrics.ts";
import type { WindowStore } from "../io/window-store.ts";
import { createCommitQueue, type CommitTurn, type Taken } from "./commit-queue.ts";
import { commitWindow } from "./commit-window.ts";
import { idsOf } from "./ids-of-entries.ts";
import { queueRounds } from "./queue-rounds.ts";
import { commitSteppingOver } from "./step-over.ts";

interface Deps {
  lanes: LaneStreams;
  waker: LaneWaker;
  store: WindowStore;
  replies: ReplyPublisher;
  conflicts: ConflictQueue;
  newId: () => string;
  policies: Policies | undefined;
  metrics: Pick<DrainMetrics, "committed" | "deferred">;
  log: Logger;
}

interface Options {
  /** The most operations of windows that are committed together. */
  windowOperationsMax: number;
  ledgerRetentionMs: number | undefined;
}

/**
 * The most concurrent commits of lanes in a process: one waits for Postgres while the other plans or publishes.
 * More only contend.
 */
const LANE_COMMITS_MAX = 2;
/** The most concurrent commits of deferred workspaces, in addition: they may take long. */
const DEFERRED_COMMITS_MAX = 1;
/** The most concurrent commits of a process. */
export const COMMITS_MAX = LANE_COMMITS_MAX + DEFERRED_COMMITS_MAX;

/**
 * Commits the windows of several lanes in one transaction: lanes share no workspace, so their windows are
 * independent. Workspaces that cannot be committed, or that take long, are deferred, each to a drain of its own,
 * and the others are committed. If a commit fails as a whole, all its windows fail, and are retried alone.
 */
export function createGroupCommit(deps: Deps, options: Options): CommitTurn {
  const { lanes, waker, replies, conflicts, metrics, log } = deps;
  const { windowOperationsMax } = options;
  const queue = (commitsMax: number) => createCommitQueue({ commitsMax, windowOperationsMax, commit });
  const [ofLanes, ofDeferred] = [queue(LANE_COMMITS_MAX), queue(DEFERRED_COMMITS_MAX)];
  return (turn) => (turn.workspaceId === undefined ? ofLanes : ofDeferred)(turn);

  async function commit(windows: readonly Taken[]): Promise<Map<number, number>> {
    const partByEntry = new Map(
      windows.flatMap((part) => part.window.entries.map((entry): [StoredEntry, LanePart] => [entry, part])),
    );
    const leftByLane = new Map<number, number>();
    const byPart = (entries: readonly StoredEntry[]) =>
      Map.groupBy(entries, (entry) => partByEntry.get(entry) ?? { lane: -1 });
    const isDeferred = windows.some(({ workspaceId }) => workspaceId !== undefined);
    const commitDeps = {
      ...deps,
      ledgerRetentionMs: options.ledgerRetentionMs,
      async onCommitted(entries: readonly StoredEntry[], plan: WindowPlan) {
        metrics.committed(plan);
        for (const { window } of windows) window.onCommitted(plan);
        for (const [lane, left] of await afterCommit(byPart(entries), plan)) leftByLane.set(lane, left);
      },
    };
    const onStuck = async (entries: readonly StoredEntry[], error: SynclineError) => {
      for (const [{ lane }, ofLane] of byPart(entries))
        leftByLane.set(lane, await defer(lane, ofLane, error));
    };
    if (isDeferred) await commitWindow([...partByEntry.keys()], commitDeps);
    else await commitSteppingOver([...partByEntry.keys()], { ...commitDeps, onStuck });
    return leftByLane;
  }

  /** Defers entries before the others are committed, so that a lane is always answered from its head. */
  async function defer(lane: number, entries: readonly StoredEntry[], error: SynclineError): Promise<number> {
    const left = await lanes.deferEntries(lane, entries);
    const entriesByWorkspace = Map.groupBy(entries, workspaceOf);
    metrics.deferred(entriesByWorkspace.size, error.code);
    for (const [workspaceId, ofOne] of entriesByWorkspace) {
      const level = error.disposition === "fatal" ? "error" : "warn";
      log[level](
        { err: error, lane, workspaceId, ...idsOf(ofOne) },
        "deferred a workspace that cannot be committed now, so that its lane can proceed",
      );
      await waker.wakeDeferred({ lane, workspaceId }, backoffMs(1, DRAIN_BACKOFF, Math.random()));
    }
    return left;
  }

  /**
   * Enqueues jobs first, because a removed entry is not seen again; if the process dies in between, the window is
   * drained again. Replies follow without waiting: one connection keeps the order, so published entries are off
   * their lane.
   */
  async function afterCommit(
    entriesByPart: ReadonlyMap<LanePart, readonly StoredEntry[]>,
    plan: WindowPlan,
  ): Promise<[number, number][]> {
    await queueRounds(conflicts, plan.rounds);
    const removals = [...entriesByPart].map(async ([part, entries]): Promise<[number, number]> => [
      part.lane,
      await lanes.removeEntries(part, entries),
    ]);
    const changed = plan.workspaces.map(({ workspaceId }) => ({ workspaceId }));
    const published = replies.publish(plan.replies, plan.settled, changed);
    const [left] = await Promise.all([Promise.all(removals), published]);
    return left;
  }
}
