import type { LaneBacklog } from "../redis/lane-backlog.ts";
import { createGauge, observe } from "./metrics.ts";

/**
 * What waits on the lanes, and what was set aside. It is the same whoever looks: readers take the largest, never the sum.
 *
 * @param readBacklogs - each for some of the lanes: where one fails, the others are told all the same
 */
export function observeLanes(readBacklogs: readonly (() => Promise<LaneBacklog[]>)[]): void {
  const backlog = createGauge(
    "syncline.lane.backlog.entries",
    "Entries on a lane that are not committed yet. The same from every process: take max, not sum",
    "{entry}",
  );
  const age = createGauge(
    "syncline.lane.oldest.age",
    "How long the oldest entry of a lane has waited; 0 where there is none. Take max, not sum",
    "s",
  );
  const dead = createGauge(
    "syncline.lane.dead.entries",
    "Entries that no code could read, set aside for a person. Take max, not sum",
    "{entry}",
  );
  const deferred = createGauge(
    "syncline.lane.deferred.workspaces",
    "Workspaces that cannot be committed at the moment, and that their lane goes on without. Take max, not sum",
    "{workspace}",
  );
  const deferredAge = createGauge(
    "syncline.lane.deferred.age",
    "How long the oldest entry of a lane's deferred workspaces has waited; 0 where there is none. Take max, not sum",
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
