import { inSlices, type Logger } from "@syncline/runtime";
import { dispositionOf, SynclineError, type Policies, type StoredEntry } from "@syncline/shared";
import { planWindowSteps } from "../core/plan-window.ts";
import { placesOf, prefixOf, unitEndsOf } from "../core/window-places.ts";
import type { WindowPlan } from "../core/window-plan.ts";
import type { WindowState } from "../core/window-state.ts";
import type { WindowStore } from "../io/pg-store.ts";
import { idsOf } from "./ids-of-entries.ts";

/** What a commit needs. */
export interface CommitDeps {
  store: WindowStore;
  newId: () => string;
  ledgerRetentionMs: number | undefined;
  policies?: Policies | undefined;
  log: Logger;
  /** Told of each commit, in order, with the entries that it took. */
  onCommitted: (entries: readonly StoredEntry[], plan: WindowPlan) => Promise<void>;
}

/** Most bytes of documents that a window of several entries reads at once: parsed, they take several times as much. */
const WINDOW_DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Commits a window: reads, plans, writes. Where Postgres refuses it, or no plan can be made for it, or its documents take
 * too much memory, it is halved until the entry at fault stands alone; in that one, what is at fault is refused with its reason, and the rest commits.
 *
 * @throws whatever is worth a retry; what was committed by then has been told to `onCommitted`
 */
export async function commitWindow(entries: readonly StoredEntry[], deps: CommitDeps): Promise<void> {
  let plan: WindowPlan;
  try {
    plan = await commitOnce(entries, deps);
  } catch (error) {
    if (!isOfOperations(error) && !isTooLarge(error)) throw error;
    if (entries.length > 1) {
      const middle = entries.length >> 1;
      await commitWindow(entries.slice(0, middle), deps);
      await commitWindow(entries.slice(middle), deps);
      return;
    }
    plan = await commitWithoutCulprits(entries, deps);
  }
  await deps.onCommitted(entries, plan);
}

/** Plans a window, writes it and rolls back. Throws if Postgres rejects it. */
export async function dryRunWindow(entries: readonly StoredEntry[], deps: CommitDeps): Promise<void> {
  const state = await deps.store.read(entries, bytesMaxOf(entries));
  await deps.store.rehearse(await planOn(state, entries, deps, new Map()));
}

/** One entry alone may take what it takes: it cannot be halved. */
function bytesMaxOf(window: readonly StoredEntry[]): number | undefined {
  return window.length > 1 ? WINDOW_DOCUMENT_BYTES_MAX : undefined;
}

/** Failures that refusing the operation at fault may end. */
function isOfOperations(error: unknown): boolean {
  const disposition = dispositionOf(error);
  return disposition === "reject" || disposition === "fatal";
}

function isTooLarge(error: unknown): boolean {
  return error instanceof SynclineError && error.code === "SYN_WINDOW_TOO_LARGE";
}

type Refusals = ReadonlyMap<string, string>;

/** Plans on what was read, reading from history what turns out to be needed. */
async function planOn(
  read: WindowState,
  window: readonly StoredEntry[],
  deps: CommitDeps,
  refusals: Refusals,
): Promise<WindowPlan> {
  const { store, newId, ledgerRetentionMs, policies } = deps;
  let state = read;
  for (;;) {
    const plan = await inSlices(
      planWindowSteps(window, state, { newId, ledgerRetentionMs, policies, refusals }),
    );
    if (plan.missingHistory.length === 0) return plan;
    const found = await store.readHistory(plan.missingHistory, bytesMaxOf(window));
    state = { ...state, historyByKey: new Map([...state.historyByKey, ...found]) };
  }
}

async function commitOnce(entries: readonly StoredEntry[], deps: CommitDeps): Promise<WindowPlan> {
  const plan = await planOn(await deps.store.read(entries, bytesMaxOf(entries)), entries, deps, new Map());
  await deps.store.commit(plan);
  return plan;
}

/**
 * Refuses one operation after the other, each proven to be at fault, until the rest goes through, and commits that. What
 * goes through is not tried again, and the nearer to each other they are, the nearer the next one is looked for.
 */
async function commitWithoutCulprits(entries: readonly StoredEntry[], deps: CommitDeps): Promise<WindowPlan> {
  const state = await deps.store.read(entries);
  const refusals = new Map<string, string>();
  const plan = (length: number) => planOn(state, prefixOf(entries, length), deps, refusals);
  const failureAt = async (length: number): Promise<unknown> => {
    try {
      await deps.store.rehearse(await plan(length));
      return undefined;
    } catch (error) {
      if (!isOfOperations(error)) throw error;
      return error;
    }
  };
  const places = placesOf(entries);
  const unitEnds = unitEndsOf(entries);
  let passing = 0;
  // Most often there is one: then the rest goes through at once.
  let step = places.length;
  while (passing < places.length) {
    const length = unitEnds.find((end) => end >= passing + step) ?? places.length;
    const failure = await failureAt(length);
    if (failure === undefined) {
      passing = length;
      step *= 2;
      continue;
    }
    const culprit = await narrow({ passing, failing: length, error: failure }, unitEnds, failureAt);
    const { error } = culprit;
    passing = culprit.passing;
    const place = places[passing];
    // The same place twice: refusing does not help, and going on would never end.
    if (place === undefined || refusals.has(place)) throw error;
    refusals.set(place, reasonOf(error));
    const level = dispositionOf(error) === "fatal" ? "error" : "warn";
    deps.log[level](
      { err: error, place, ...idsOf(entries) },
      "refused an operation so that its lane can go on",
    );
    step = Math.max(2, step >> 1);
  }
  const rest = await plan(places.length);
  await deps.store.commit(rest);
  return rest;
}

/** So many places of a window go through; with so many it fails, and so. */
interface Bounds {
  passing: number;
  failing: number;
  error: unknown;
}

/**
 * Halves what lies between until the first place with which it fails stands alone. A group is cut only once it is known to
 * fail as a whole: half of one is nothing that anybody sent.
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
  if (!refused) return "It cannot be processed; the server's log has the reason";
  return `Postgres refuses it: ${error.cause instanceof Error ? error.cause.message : error.message}`;
}
