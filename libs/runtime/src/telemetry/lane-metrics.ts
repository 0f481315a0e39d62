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
  for (const read of readBacklogs) {
    observe([backlog, age, dead], async (result) => {
      for (const { lane, entries, oldestAgeMs, deadEntries } of await read()) {
        const attributes = { "syncline.lane": lane };
        result.observe(backlog, entries, attributes);
        result.observe(age, oldestAgeMs / 1_000, attributes);
        result.observe(dead, deadEntries, attributes);
      }
    });
  }
}
