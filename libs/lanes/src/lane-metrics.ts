import { createGauge, observe } from "@syncline/kit/telemetry";
import type { LaneBacklog } from "./lane-backlog.ts";

/**
 * Observes the backlog and the dead letters of the lanes. Every process reports the same values: readers take the
 * maximum, never the sum.
 *
 * @param readBacklogs - each for some of the lanes: if one fails, the others are still reported
 */
export function observeLanes(readBacklogs: readonly (() => Promise<LaneBacklog[]>)[]): void {
  const backlog = createGauge(
    "syncline.lane.backlog.entries",
    "Entries on a lane that are not committed yet. Every process reports the same value: take max, not sum",
    "{entry}",
  );
  const age = createGauge(
    "syncline.lane.oldest.age",
    "Age of the oldest entry of a lane; 0 if there is none. Take max, not sum",
    "s",
  );
  const dead = createGauge(
    "syncline.lane.dead.entries",
    "Dead-lettered entries of a lane, which an operator must inspect. Take max, not sum",
    "{entry}",
  );
  const deferred = createGauge(
    "syncline.lane.deferred.workspaces",
    "Workspaces that cannot be committed at the moment and do not block their lane. Take max, not sum",
    "{workspace}",
  );
  const deferredAge = createGauge(
    "syncline.lane.deferred.age",
    "Age of the oldest entry of a lane's deferred workspaces; 0 if there is none. Take max, not sum",
    "s",
  );
  for (const read of readBacklogs) {
    observe([backlog, age, dead, deferred, deferredAge], async (result) => {
      for (const found of await read()) {
        const { lane, entries, oldestAgeMs, deadLetters } = found;
        const attributes = { "syncline.lane": lane };
        result.observe(backlog, entries, attributes);
        result.observe(age, oldestAgeMs / 1_000, attributes);
        result.observe(dead, deadLetters, attributes);
        result.observe(deferred, found.deferredWorkspaces, attributes);
        result.observe(deferredAge, found.deferredAgeMs / 1_000, attributes);
      }
    });
  }
}
