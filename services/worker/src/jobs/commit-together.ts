import {
  inSharedContext,
  WINDOW_BYTES_MAX,
  workspaceOf,
  type ConflictQueue,
  type LanePart,
  type LaneStreams,
  type LaneWaker,
  type Logger,
  type ReplyPublisher,
  type TraceContext,
} from "@syncline/runtime";
import {
  backoffMs,
  DRAIN_BACKOFF,
  type Policies,
  type StoredEntry,
  type SynclineError,
} from "@syncline/shared";
import type { WindowPlan } from "../core/window-plan.ts";
import type { DrainMetrics } from "../io/drain-metrics.ts";
import type { WindowStore } from "../io/pg-store.ts";
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
  /** Most operations of windows that are committed together. */
  windowOperationsMax: number;
  ledgerRetentionMs: number | undefined;
}

/** A lane, or a deferred workspace of one, whose drain has come, and waits for its turn to commit. */
export interface LaneTurn extends LanePart {
  /**
   * Committed with no other: its drain has failed before, or its workspace was deferred, and it must neither take others with
   * it nor be taken by them.
   */
  alone: boolean;
  /** Reads the lane's window when its turn has come: what was appended while it waited goes along. */
  read: () => Promise<LaneWindow | undefined>;
}

export interface LaneWindow {
  entries: readonly StoredEntry[];
  bytes: number;
  /** The trace of its drain. */
  context: TraceContext;
  /** Told of each plan that holds some of it, perhaps with other windows', once that is committed. */
  onCommitted: (plan: WindowPlan) => void;
}

/**
 * Commits a lane's window, takes its entries off the lane, and tells who waits.
 * @returns how many entries are left on the lane
 */
export type CommitTogether = (turn: LaneTurn) => Promise<number>;

type Waiting = LaneTurn & PromiseWithResolvers<number> & { window?: LaneWindow };
type Taken = Waiting & { window: LaneWindow };

/** How many a process has under way: one is with Postgres while the other plans, or is told of. More only contend. */
export const COMMITS_MAX = 2;
/** A second one begins where the first is as large as this: before that, who waits for it gains more from company. */
const LARGE_OPERATIONS = 100;
/** Or where the first takes as long as this: something holds it up, which is no reason to hold up others. */
const LONG_MS = 25;

/**
 * Commits the windows of several lanes in one transaction: the lanes whose drains come while others are being committed
 * go together into the next commit, so that the busier it gets the less each window costs. Lanes share no workspace, so
 * their windows are independent. Workspaces that cannot be committed are deferred, each to a drain of its own, and the
 * others are committed. If a commit fails as a whole, all its windows fail, and come again alone.
 */
export function createCommitTogether(deps: Deps, options: Options): CommitTogether {
  const { lanes, waker, replies, conflicts, metrics, log } = deps;
  let waiting: Waiting[] = [];
  const underWay = new Set<{ letsOthersBegin: boolean }>();

  return (turn) => {
    const settled = Promise.withResolvers<number>();
    waiting.push({ ...turn, ...settled });
    startNext();
    return settled.promise;
  };

  function startNext(): void {
    const mayBegin = () => underWay.size < COMMITS_MAX && [...underWay].every((one) => one.letsOthersBegin);
    while (waiting.length > 0 && mayBegin()) void commitNext();
  }

  async function commitNext(): Promise<void> {
    const one = { letsOthersBegin: false };
    const letOthersBegin = () => {
      one.letsOthersBegin = true;
      startNext();
    };
    underWay.add(one);
    const timer = setTimeout(letOthersBegin, LONG_MS);
    try {
      const windows = await takeWindows();
      if (windows.reduce((sum, { window }) => sum + operationsOf(window), 0) >= LARGE_OPERATIONS)
        letOthersBegin();
      if (windows.length > 0) await commitAndSettle(windows);
    } finally {
      clearTimeout(timer);
      underWay.delete(one);
      startNext();
    }
  }

  async function takeWindows(): Promise<Taken[]> {
    const turns = waiting.splice(0, countTurns(waiting));
    const read = (await Promise.all(turns.map(readWindow))).filter((turn) => turn !== undefined);
    const windows = read.splice(0, countTogether(read, options.windowOperationsMax));
    waiting = [...read, ...waiting];
    return windows;
  }

  async function commitAndSettle(windows: readonly Taken[]): Promise<void> {
    const contexts = windows.map(({ window }) => window.context);
    try {
      const leftByLane = await inSharedContext(contexts, () => commit(windows));
      for (const { lane, resolve } of windows) resolve(leftByLane.get(lane) ?? 0);
    } catch (error) {
      for (const { reject } of windows) reject(error);
    }
  }

  /** What has nothing to commit, or cannot be read, has had its turn. */
  async function readWindow(turn: Waiting): Promise<Taken | undefined> {
    try {
      const window = turn.window ?? (await turn.read());
      if (window !== undefined) return { ...turn, window };
      turn.resolve(0);
    } catch (error) {
      turn.reject(error);
    }
    return undefined;
  }

  async function commit(windows: readonly Taken[]): Promise<Map<number, number>> {
    const partByEntry = new Map(
      windows.flatMap((part) => part.window.entries.map((entry): [StoredEntry, LanePart] => [entry, part])),
    );
    const leftByLane = new Map<number, number>();
    const byPart = (entries: readonly StoredEntry[]) =>
      Map.groupBy(entries, (entry) => partByEntry.get(entry) ?? { lane: -1 });
    const commitDeps = {
      ...deps,
      ledgerRetentionMs: options.ledgerRetentionMs,
      async onCommitted(entries: readonly StoredEntry[], plan: WindowPlan) {
        metrics.committed(plan);
        for (const { window } of windows) window.onCommitted(plan);
        for (const [lane, left] of await afterCommit(byPart(entries), plan)) leftByLane.set(lane, left);
      },
      async onStuck(entries: readonly StoredEntry[], error: SynclineError) {
        for (const [{ lane }, ofLane] of byPart(entries))
          leftByLane.set(lane, await defer(lane, ofLane, error));
      },
    };
    const isDeferred = windows.some(({ workspaceId }) => workspaceId !== undefined);
    await (isDeferred ? commitWindow : commitSteppingOver)([...partByEntry.keys()], commitDeps);
    return leftByLane;
  }

  /** Before the others are committed, so that a lane is always answered from its head. */
  async function defer(lane: number, entries: readonly StoredEntry[], error: SynclineError): Promise<number> {
    const left = await lanes.deferEntries(lane, entries);
    const entriesByWorkspace = Map.groupBy(entries, workspaceOf);
    metrics.deferred(entriesByWorkspace.size, error.code);
    for (const [workspaceId, ofOne] of entriesByWorkspace) {
      const level = error.disposition === "fatal" ? "error" : "warn";
      log[level](
        { err: error, lane, workspaceId, ...idsOf(ofOne) },
        "deferred a workspace that cannot be committed now, so that its lane can go on",
      );
      await waker.wakeDeferred({ lane, workspaceId }, backoffMs(1, DRAIN_BACKOFF, Math.random()));
    }
    return left;
  }

  /**
   * Jobs first: an entry that is removed is not seen again. Should we die in between, the window comes once more.
   * The replies follow without waiting: one connection keeps the order, so what is told of is off its lane.
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
    const told = replies.publish(plan.replies, plan.settled, changed);
    const [left] = await Promise.all([Promise.all(removals), told]);
    return left;
  }
}

/** How many lanes have their turn, from the first on: one that goes alone, or all up to the next such. */
function countTurns(waiting: readonly Waiting[]): number {
  const next = waiting.findIndex(({ alone }) => alone);
  return next === -1 ? waiting.length : Math.max(1, next);
}

/** How many windows go together, from the first on: one at least. */
function countTogether(turns: readonly Taken[], operationsMax: number): number {
  let operationsLeft = operationsMax;
  let bytesLeft = WINDOW_BYTES_MAX;
  let count = 0;
  for (const { window } of turns) {
    operationsLeft -= operationsOf(window);
    bytesLeft -= window.bytes;
    if (count > 0 && (operationsLeft < 0 || bytesLeft < 0)) break;
    count++;
  }
  return count;
}

function operationsOf({ entries }: LaneWindow): number {
  return entries.reduce(
    (sum, { entry }) => sum + (entry.kind === "batch" ? entry.batch.operations.length : 1),
    0,
  );
}
