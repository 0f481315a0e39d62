import { inSharedContext, WINDOW_BYTES_MAX, type LanePart, type TraceContext } from "@syncline/runtime";
import type { StoredEntry } from "@syncline/shared";
import type { WindowPlan } from "../core/window-plan.ts";

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
export type CommitTurn = (turn: LaneTurn) => Promise<number>;

type Waiting = LaneTurn & PromiseWithResolvers<number> & { window?: LaneWindow };
export type Taken = Waiting & { window: LaneWindow };

/** A second one begins where the first is as large as this: before that, who waits for it gains more from company. */
const LARGE_OPERATIONS = 100;
/** Or where the first takes as long as this: something holds it up, which is no reason to hold up others. */
const LONG_MS = 25;

interface Options {
  /** Most commits under way. */
  commitsMax: number;
  /** Most operations of windows that are committed together. */
  windowOperationsMax: number;
  /** @returns how many entries are left on each lane */
  commit: (windows: readonly Taken[]) => Promise<ReadonlyMap<number, number>>;
}

/**
 * Has drains wait for their turn: those that come while others are being committed go together into the next commit, so
 * that the busier it gets the less each window costs.
 */
export function createCommitQueue({ commitsMax, windowOperationsMax, commit }: Options): CommitTurn {
  let waiting: Waiting[] = [];
  const underWay = new Set<{ letsOthersBegin: boolean }>();

  return (turn) => {
    const settled = Promise.withResolvers<number>();
    waiting.push({ ...turn, ...settled });
    startNext();
    return settled.promise;
  };

  function startNext(): void {
    const mayBegin = () => underWay.size < commitsMax && [...underWay].every((one) => one.letsOthersBegin);
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
    const windows = read.splice(0, countTogether(read, windowOperationsMax));
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

  /** Reads a window. A turn with nothing to commit, or that cannot be read, is over. */
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
}

/** Counts the lanes that have their turn, from the first on: one that goes alone, or all up to the next such. */
function countTurns(waiting: readonly Waiting[]): number {
  const next = waiting.findIndex(({ alone }) => alone);
  return next === -1 ? waiting.length : Math.max(1, next);
}

/** Counts the windows that go together, from the first on: one at least. */
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
