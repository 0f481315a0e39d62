import type { Logger } from "@syncline/runtime";
import { dispositionOf, SynclineError, type Policies, type StoredEntry } from "@syncline/shared";
import { planWindow } from "../core/plan-window.ts";
import { placesOf, prefixOf } from "../core/window-places.ts";
import type { WindowPlan } from "../core/window-plan.ts";
import type { WindowStore } from "../io/pg-store.ts";

interface Deps {
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
export async function commitWindow(entries: readonly StoredEntry[], deps: Deps): Promise<void> {
  let plan: WindowPlan;
  try {
    plan = await commitOnce(entries, deps, new Map());
  } catch (error) {
    if (dispositionOf(error) === "retry" && !isTooLarge(error)) throw error;
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

function isTooLarge(error: unknown): boolean {
  return error instanceof SynclineError && error.code === "SYN_WINDOW_TOO_LARGE";
}

type Refusals = ReadonlyMap<string, string>;

/** Plans on what stands in the tables now, reading from history what turns out to be needed. */
async function planNow(window: readonly StoredEntry[], deps: Deps, refusals: Refusals): Promise<WindowPlan> {
  const { store, newId, ledgerRetentionMs, policies } = deps;
  const bytesMax = window.length > 1 ? WINDOW_DOCUMENT_BYTES_MAX : undefined;
  let state = await store.read(window, bytesMax);
  for (;;) {
    const plan = planWindow(window, state, { newId, ledgerRetentionMs, policies, refusals });
    if (plan.missingHistory.length === 0) return plan;
    const found = await store.readHistory(plan.missingHistory, bytesMax);
    state = { ...state, historyByKey: new Map([...state.historyByKey, ...found]) };
  }
}

async function commitOnce(
  entries: readonly StoredEntry[],
  deps: Deps,
  refusals: Refusals,
): Promise<WindowPlan> {
  const plan = await planNow(entries, deps, refusals);
  await deps.store.commit(plan);
  return plan;
}

/** Refuses one operation after the other, each proven to be at fault, until the rest commits. */
async function commitWithoutCulprits(entries: readonly StoredEntry[], deps: Deps): Promise<WindowPlan> {
  const refusals = new Map<string, string>();
  for (;;) {
    try {
      return await commitOnce(entries, deps, refusals);
    } catch (error) {
      if (dispositionOf(error) === "retry") throw error;
      const culprit = await findCulprit(entries, async (prefix) =>
        deps.store.rehearse(await planNow(prefix, deps, refusals)),
      );
      // The same place twice, or none at all: refusing does not help, and going on would never end.
      if (culprit === undefined || refusals.has(culprit.place)) throw error;
      refusals.set(culprit.place, culprit.reason);
      const level = dispositionOf(culprit.error) === "fatal" ? "error" : "warn";
      deps.log[level](
        { err: culprit.error, place: culprit.place },
        "refused an operation so that its lane can go on",
      );
    }
  }
}

interface Culprit {
  place: string;
  reason: string;
  error: unknown;
}

/** Finds the first place without which the window before it goes through, in log2(n) rehearsals and one to be sure. */
async function findCulprit(
  window: readonly StoredEntry[],
  rehearse: (prefix: StoredEntry[]) => Promise<void>,
): Promise<Culprit | undefined> {
  const places = placesOf(window);
  const failureAt = async (length: number): Promise<unknown> => {
    try {
      await rehearse(prefixOf(window, length));
      return undefined;
    } catch (error) {
      if (dispositionOf(error) === "retry") throw error;
      return error;
    }
  };
  let passing = 0;
  let failing = places.length + 1;
  while (failing - passing > 1) {
    const length = Math.floor((passing + failing) / 2);
    if ((await failureAt(length)) === undefined) passing = length;
    else failing = length;
  }
  const place = places[failing - 1];
  if (place === undefined) return undefined;
  const error = await failureAt(failing);
  return error === undefined ? undefined : { place, reason: reasonOf(error), error };
}

function reasonOf(error: unknown): string {
  const refused = error instanceof SynclineError && error.disposition === "reject";
  if (!refused) return "It cannot be processed; the server's log has the reason";
  return `Postgres refuses it: ${error.cause instanceof Error ? error.cause.message : error.message}`;
}
