import type { LaneBacklog } from "../redis/lane-backlog.ts";
import { createGauge, observe } from "./metrics.ts";

/**
 * What waits on the lanes, and what was set aside. It is the same whoever looks: readers take the largest, never the sum.
 */
export function observeLanes(readBacklogs: () => Promise<LaneBacklog[]>): void {
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
  observe([backlog, age, dead], async (result) => {
    for (const { lane, entries, oldestAgeMs, deadEntries } of await readBacklogs()) {
      const attributes = { "syncline.lane": lane };
      result.observe(backlog, entries, attributes);
      result.observe(age, oldestAgeMs / 1_000, attributes);
      result.observe(dead, deadEntries, attributes);
    }
  });
}
