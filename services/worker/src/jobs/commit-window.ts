import { inSlices } from "@syncline/kit/process";
import type { Logger } from "@syncline/kit/telemetry";
import { workspaceOf } from "@syncline/lanes";
import type { Policies } from "@syncline/shared/merge";
import { dispositionOf, SynclineError, type StoredEntry } from "@syncline/shared/protocol";
import { costlyWorkspaces } from "../core/costly-workspaces.ts";
import { planWindowSteps } from "../core/plan-window.ts";
import { positionsOf, prefixOf, unitEndsOf } from "../core/window-positions.ts";
import type { WindowPlan } from "../core/window-plan.ts";
import type { WindowState } from "../core/window-state.ts";
import type { WindowStore } from "../io/window-store.ts";
import { idsOf } from "./ids-of-entries.ts";

/** The dependencies of a commit. */
export interface CommitDeps {
  store: WindowStore;
  newId: () => string;
  ledgerRetentionMs: number | undefined;
  policies?: Policies | undefined;
  log: Logger;
  /** Called for each commit, in order, with its entries. */
  onCommitted: (entries: readonly StoredEntry[], plan: WindowPlan) => Promise<void>;
  /**
   * Takes the entries of workspaces that the window's other workspaces must not wait for. Without it, all wait for
   * each other.
   */
  onStuck?: (entries: readonly StoredEntry[], error: SynclineError) => Promise<void>;
}

/**
 * The most bytes of documents that a window of several entries reads at once; parsed, they take several times as
 * much.
 */
const WINDOW_DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;
/** The most bytes that a single entry reads while others wait for it: about 200 ms of parsing. */
const LANE_DOCUMENT_BYTES_MAX = 6 * 1024 * 1024;

/**
 * Commits a window: reads, plans, writes. Workspaces that take too long, or too much memory, are handed to
 * `onStuck`. If Postgres refuses the window, if no plan can be made for it, or if it is too large and there is no
 * `onStuck`, the window is halved until the failing entry stands alone. Its failing operations are refused with their
 * reasons, and the rest commits.
 *
 * @throws any error that a retry may fix; entries committed by then were passed to `onCommitted`
 */
export async function commitWindow(entries: readonly StoredEntry[], deps: CommitDeps): Promise<void> {
  const tried = await tryCommit(entries, deps);
  if (tried.kind === "committed") return deps.onCommitted(entries, tried.plan);
  const { error } = tried;
  if (deps.onStuck && tried.apart.size > 0) {
    const isApart = (entry: StoredEntry) => tried.apart.has(workspaceOf(entry));
    // Deferred first, because a lane is answered from its head.
    await deps.onStuck(entries.filter(isApart), error);
    const others = entries.filter((entry) => !isApart(entry));
    if (others.length > 0) await commitWindow(others, deps);
    return;
  }
  if (entries.length > 1) {
    const middle = entries.length >> 1;
    await commitWindow(entries.slice(0, middle), deps);
    await commitWindow(entries.slice(middle), deps);
    return;
  }
  await deps.onCommitted(entries, await commitWithoutFailing(entries, deps));
}

type Tried =
  | { kind: "committed"; plan: WindowPlan }
  /** `apart`: the workspaces that are known to be the reason, and are not at fault. */
  | { kind: "failed"; error: SynclineError; apart: ReadonlySet<string> };

async function tryCommit(entries: readonly StoredEntry[], deps: CommitDeps): Promise<Tried> {
  try {
    const state = await deps.store.read(entries, bytesMaxOf(entries, deps));
    const costly = deps.onStuck ? costlyWorkspaces(entries, state) : new Set<string>();
    if (costly.size > 0) return { kind: "failed", error: COSTLY, apart: costly };
    return { kind: "committed", plan: await commitOnce(state, entries, deps) };
  } catch (error) {
    if (isTooLarge(error)) {
      const { workspaceId } = error;
      return { kind: "failed", error, apart: new Set(workspaceId === undefined ? [] : [workspaceId]) };
    }
    if (!isOfOperations(error)) throw error;
    return { kind: "failed", error: toFailure(error), apart: new Set() };
  }
}

const COSTLY = new SynclineError(
  "SYN_WORKSPACE_COSTLY",
  "The workspace's operations would take long, and other workspaces wait for them",
);

/** Wraps an error without a code as a bug, which blocks its own workspace only. */
export function toFailure(error: unknown): SynclineError {
  if (error instanceof SynclineError) return error;
  return new SynclineError("SYN_INVARIANT", "A window could not be planned", { cause: error });
}

/** Plans a window, writes it and rolls back. Throws if Postgres rejects it. */
export async function dryRunWindow(entries: readonly StoredEntry[], deps: CommitDeps): Promise<void> {
  const state = await deps.store.read(entries, bytesMaxOf(entries, {}));
  await deps.store.dryRun(await planOn(state, entries, deps, new Map()));
}

/** A single entry cannot be halved, so its documents have no limit, unless it can be handed on. */
function bytesMaxOf(
  window: readonly StoredEntry[],
  { onStuck }: Pick<CommitDeps, "onStuck">,
): number | undefined {
  if (window.length > 1) return WINDOW_DOCUMENT_BYTES_MAX;
  return onStuck && LANE_DOCUMENT_BYTES_MAX;
}

/** Reports whether refusing the failing operation may end the failure. */
function isOfOperations(error: unknown): boolean {
  const disposition = dispositionOf(error);
  return disposition === "reject" || disposition === "fatal";
}

function isTooLarge(error: unknown): error is SynclineError {
  return error instanceof SynclineError && error.code === "SYN_WINDOW_TOO_LARGE";
}

type Refusals = ReadonlyMap<string, string>;

/** Plans on the state read, and reads from history the documents that the plan turns out to need. */
async function planOn(
  read: WindowState,
  window: readonly StoredEntry[],
  deps: CommitDeps,
  refusals: Refusals,
): Promise<WindowPlan> {
  const { store, newId, ledgerRetentionMs, policies } = deps;
  let state = read;
  for (;;) {
    const steps = planWindowSteps(window, state, { newId, ledgerRetentionMs, policies, refusals });
    // A deferred workspace may take long, and shares the process with the lanes.
    const plan = await inSlices(steps, { rests: deps.onStuck === undefined });
    if (plan.missingHistory.length === 0) return plan;
    const found = await store.readHistory(plan.missingHistory, bytesMaxOf(window, deps));
    state = { ...state, historyByKey: new Map([...state.historyByKey, ...found]) };
  }
}

async function commitOnce(
  state: WindowState,
  entries: readonly StoredEntry[],
  deps: CommitDeps,
): Promise<WindowPlan> {
  const plan = await planOn(state, entries, deps, new Map());
  await deps.store.commit(plan);
  return plan;
}

/**
 * Refuses operations one by one, each proven to fail, until the rest passes, and commits the rest. Operations that
 * passed are not tried again. The closer the failing operations are to each other, the closer the next one is
 * searched.
 */
async function commitWithoutFailing(entries: readonly StoredEntry[], deps: CommitDeps): Promise<WindowPlan> {
  const state = await deps.store.read(entries);
  const refusals = new Map<string, string>();
  const plan = (length: number) => planOn(state, prefixOf(entries, length), deps, refusals);
  const failureAt = async (length: number): Promise<unknown> => {
    try {
      await deps.store.dryRun(await plan(length));
      return undefined;
    } catch (error) {
      if (!isOfOperations(error)) throw error;
      return error;
    }
  };
  const places = positionsOf(entries);
  const unitEnds = unitEndsOf(entries);
  let passing = 0;
  // Usually one operation fails, and the rest then passes at once.
  let step = places.length;
  while (passing < places.length) {
    const length = unitEnds.find((end) => end >= passing + step) ?? places.length;
    const failure = await failureAt(length);
    if (failure === undefined) {
      passing = length;
      step *= 2;
      continue;
    }
    const failing = await narrow({ passing, failing: length, error: failure }, unitEnds, failureAt);
    const { error } = failing;
    passing = failing.passing;
    const place = places[passing];
    // The same position twice: refusing it did not help, and continuing would never end.
    if (place === undefined || refusals.has(place)) throw error;
    refusals.set(place, reasonOf(error));
    const level = dispositionOf(error) === "fatal" ? "error" : "warn";
    deps.log[level](
      { err: error, place, ...idsOf(entries) },
      "refused an operation so that its lane can proceed",
    );
    step = Math.max(2, step >> 1);
  }
  const rest = await plan(places.length);
  await deps.store.commit(rest);
  return rest;
}

/** The longest known prefix of a window that passes, and the shortest that fails, with its error. */
interface Bounds {
  passing: number;
  failing: number;
  error: unknown;
}

/**
 * Halves the range between the bounds until the first failing position stands alone. A group is cut only once it is
 * known to fail as a whole, because no client sent half of it.
 */
async function narrow(
  bounds: Bounds,
  unitEnds: readonly number[],
  failureAt: (length: number) => Promise<unknown>,
): Promise<Bounds> {
  const { passing, failing } = bounds;
  if (failing - passing === 1) return bounds;
  const between = unitEnds.filter((end) => end > passing && end < failing);
  const length = between[between.length >> 1] ?? (passing + failing) >> 1;
  const error = await failureAt(length);
  const closer = error === undefined ? { ...bounds, passing: length } : { passing, failing: length, error };
  return narrow(closer, unitEnds, failureAt);
}

function reasonOf(error: unknown): string {
  const refused = error instanceof SynclineError && error.disposition === "reject";
  if (!refused) return "The operation cannot be processed; the server's log has the reason";
  return `Postgres refuses it: ${error.cause instanceof Error ? error.cause.message : error.message}`;
}
