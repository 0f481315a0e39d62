import { inSharedContext, type TraceContext } from "@syncline/kit/telemetry";
import { WINDOW_BYTES_MAX, type LanePart } from "@syncline/lanes";
import type { StoredEntry } from "@syncline/shared/protocol";
import type { WindowPlan } from "../core/window-plan.ts";

/** A lane, or a deferred workspace of one, whose drain waits for its turn to commit. */
export interface LaneTurn extends LanePart {
  /**
   * True if it must be committed on its own, because its drain has failed before or its workspace was deferred: its
   * failure must not affect others, nor theirs affect it.
   */
  alone: boolean;
  /** Reads the lane's window when its turn has come, with the entries that were appended while it waited. */
  read: () => Promise<LaneWindow | undefined>;
}

export interface LaneWindow {
  entries: readonly StoredEntry[];
  bytes: number;
  /** The trace of its drain. */
  context: TraceContext;
  /** Called for each committed plan that contains a part of the window, perhaps together with other windows. */
  onCommitted: (plan: WindowPlan) => void;
}

/**
 * Commits a lane's window, removes its entries from the lane, and notifies the waiting requests.
 * @returns the number of entries left on the lane
 */
export type CommitTurn = (turn: LaneTurn) => Promise<number>;

type Waiting = LaneTurn & PromiseWithResolvers<number> & { window?: LaneWindow };
export type Taken = Waiting & { window: LaneWindow };

/**
 * The size from which the next commit begins beside the current one. Below it, waiting lanes gain more from
 * committing together.
 */
const LARGE_OPERATIONS = 100;
/**
 * The time in milliseconds after which the next commit begins as well, so that a blocked commit does not block
 * others.
 */
const LONG_MS = 25;

interface Options {
  /** The most concurrent commits. */
  commitsMax: number;
  /** The most operations of windows that are committed together. */
  windowOperationsMax: number;
  /** @returns the number of entries left on each lane */
  commit: (windows: readonly Taken[]) => Promise<ReadonlyMap<number, number>>;
}

/**
 * Queues drains for their turn. Those that arrive while others are being committed go together into the next
 * commit, so that each window costs less the higher the load.
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

  /** Reads a window. A turn that has no entries, or cannot be read, ends here. */
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

/** Counts the lanes of the next turn, from the first on: a lane that goes alone, or all lanes up to the next such. */
function countTurns(waiting: readonly Waiting[]): number {
  const next = waiting.findIndex(({ alone }) => alone);
  return next === -1 ? waiting.length : Math.max(1, next);
}

/** Counts the windows that are committed together, from the first on, at least one. */
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
