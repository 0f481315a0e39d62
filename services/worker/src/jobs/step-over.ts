import { workspaceOf } from "@syncline/lanes";
import type { StoredEntry, SynclineError } from "@syncline/shared/protocol";
import type { WindowPlan } from "../core/window-plan.ts";
import { commitWindow, dryRunWindow, toFailure, type CommitDeps } from "./commit-window.ts";

interface Deps extends CommitDeps {
  /** Moves entries of workspaces that cannot be committed now out of the way of the others. */
  onStuck: (entries: readonly StoredEntry[], error: SynclineError) => Promise<void>;
}

/**
 * Commits a window without the workspaces that cannot be committed now, or that others would wait long for. These
 * are handed to `onStuck`, and the others are committed in their order. The search for them does not wait for each
 * one in turn.
 *
 * @throws if no workspace is known to be the cause, as when a store is away; entries committed by then were passed
 * to `onCommitted`
 */
export async function commitSteppingOver(entries: readonly StoredEntry[], deps: Deps): Promise<void> {
  let left = entries;
  let isSecondTry = false;
  while (left.length > 0) {
    const done = new Set<StoredEntry>();
    const onCommitted = async (some: readonly StoredEntry[], plan: WindowPlan) => {
      for (const entry of some) done.add(entry);
      await deps.onCommitted(some, plan);
    };
    const onStuck = async (some: readonly StoredEntry[], error: SynclineError) => {
      for (const entry of some) done.add(entry);
      await deps.onStuck(some, error);
    };
    try {
      await commitWindow(left, { ...deps, onCommitted, onStuck });
      return;
    } catch (error) {
      left = left.filter((entry) => !done.has(entry));
      const failure = toFailure(error);
      const stuck = await findStuck(left, failure, deps);
      // Tries once more, because the obstacle may be gone by now.
      if (stuck.size === 0 && (isSecondTry || !isOfWorkspaces(failure))) throw error;
      isSecondTry = stuck.size === 0;
      const isStuck = (entry: StoredEntry) => stuck.has(workspaceOf(entry));
      if (stuck.size > 0) await deps.onStuck(left.filter(isStuck), failure);
      left = left.filter((entry) => !isStuck(entry));
    }
  }
}

/** Reports whether a failure may concern single workspaces, so that the others can proceed. */
function isOfWorkspaces({ code }: SynclineError): boolean {
  return code === "SYN_POSTGRES_CONTENTION" || code === "SYN_POSTGRES_UNEXPECTED";
}

async function findStuck(
  entries: readonly StoredEntry[],
  error: SynclineError,
  deps: CommitDeps,
): Promise<ReadonlySet<string>> {
  const [first] = entries;
  if (first === undefined) return new Set();
  // A window is committed from its first entry on, and refusing that entry's failing operations did not help.
  if (error.disposition === "fatal" || error.disposition === "reject") return new Set([workspaceOf(first)]);
  const entriesByWorkspace = Map.groupBy(entries, workspaceOf);
  const isLimit = error.code === "SYN_POSTGRES_LIMIT";
  if (!isOfWorkspaces(error) && !isLimit) return new Set();
  if (entriesByWorkspace.size === 1) return new Set(entriesByWorkspace.keys());
  // Statements that take too long are not repeated: the window is retried in halves.
  if (isLimit) return new Set();
  if (error.code === "SYN_POSTGRES_CONTENTION") {
    const locked = await deps.store.findLocked(entries);
    if (locked.size > 0) return locked;
  }
  return new Set(await bisect([...entriesByWorkspace], error, deps));
}

/** Halves the workspaces of a failing window until those that fail by themselves stand alone. */
async function bisect(
  entriesByWorkspace: readonly (readonly [string, readonly StoredEntry[]])[],
  failure: SynclineError,
  deps: CommitDeps,
): Promise<string[]> {
  const middle = entriesByWorkspace.length >> 1;
  const found: string[] = [];
  for (const half of [entriesByWorkspace.slice(0, middle), entriesByWorkspace.slice(middle)]) {
    const entries = half.flatMap(([, ofOne]) => ofOne);
    if (!(await failsAlike(entries, failure, deps))) continue;
    const [only] = half;
    if (half.length === 1 && only !== undefined) found.push(only[0]);
    else found.push(...(await bisect(half, failure, deps)));
  }
  return found;
}

async function failsAlike(
  entries: readonly StoredEntry[],
  failure: SynclineError,
  deps: CommitDeps,
): Promise<boolean> {
  try {
    await dryRunWindow(entries, deps);
    return false;
  } catch (error) {
    const { code } = toFailure(error);
    if (code === "SYN_POSTGRES_UNAVAILABLE") throw error;
    return code === failure.code;
  }
}
