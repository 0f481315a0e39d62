import { dispositionOf, type LaneEntry } from "@syncline/shared";
import type { Logger } from "@syncline/runtime";
import { planWindow } from "../core/plan-window.ts";
import type { WindowPlan } from "../core/window-plan.ts";
import { placesOf, prefixOf } from "../core/window-prefix.ts";
import type { WindowStore } from "../io/pg-store.ts";

interface Deps {
  store: WindowStore;
  newId: () => string;
  log: Logger;
}

/**
 * Commits a window: reads, plans, writes. What Postgres refuses, or no plan can be made for, is found by halving the
 * window, is refused with its reason, and the rest commits.
 *
 * @returns what was committed
 * @throws whatever is worth a retry of the whole window, which is then as it was
 */
export async function commitWindow(entries: readonly LaneEntry[], deps: Deps): Promise<WindowPlan> {
  const { store, newId, log } = deps;
  const refusals = new Map<string, string>();
  const planNow = async (window: readonly LaneEntry[]): Promise<WindowPlan> =>
    planWindow(window, await store.read(window), { newId, refusals });

  for (;;) {
    try {
      const plan = await planNow(entries);
      await store.commit(plan);
      return plan;
    } catch (error) {
      if (dispositionOf(error) === "retry") throw error;
      const culprit = await findCulprit(entries, async (prefix) => store.rehearse(await planNow(prefix)));
      // The same place twice, or none at all: refusing does not help, and going on would never end.
      if (culprit === undefined || refusals.has(culprit.place)) throw error;
      refusals.set(culprit.place, culprit.reason);
      const level = dispositionOf(culprit.error) === "fatal" ? "error" : "warn";
      log[level](
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

/** Finds the first place without which the window before it goes through, in log2(n) rehearsals. */
async function findCulprit(
  entries: readonly LaneEntry[],
  rehearse: (prefix: LaneEntry[]) => Promise<void>,
): Promise<Culprit | undefined> {
  const places = placesOf(entries);
  let passing = 0;
  let failing = places.length + 1;
  let failure: unknown;
  while (failing - passing > 1) {
    const length = Math.floor((passing + failing) / 2);
    try {
      await rehearse(prefixOf(entries, length));
      passing = length;
    } catch (error) {
      if (dispositionOf(error) === "retry") throw error;
      failing = length;
      failure = error;
    }
  }
  const place = places[failing - 1];
  if (place === undefined) return undefined;
  const reason =
    dispositionOf(failure) === "reject" && failure instanceof Error
      ? `Postgres refuses it: ${failure.message}`
      : "It cannot be processed; the server's log has the reason";
  return { place, reason, error: failure };
}
