import type { LaneEntry } from "@syncline/shared";
import { operationPlace, resolutionPlace } from "./plan-window.ts";

/** The places of a window in the order in which they take effect: an operation or a resolution each. */
export function placesOf(entries: readonly LaneEntry[]): string[] {
  return entries.flatMap((entry) =>
    entry.kind === "resolution"
      ? [resolutionPlace(entry.resolution)]
      : entry.batch.operations.map((operation) => operationPlace(entry.batch.batchId, operation.position)),
  );
}

/** The window cut after so many places. */
export function prefixOf(entries: readonly LaneEntry[], length: number): LaneEntry[] {
  const prefix: LaneEntry[] = [];
  let left = length;
  for (const entry of entries) {
    if (left === 0) break;
    if (entry.kind === "resolution") {
      prefix.push(entry);
      left -= 1;
      continue;
    }
    const operations = entry.batch.operations.slice(0, left);
    prefix.push({ ...entry, batch: { ...entry.batch, operations } });
    left -= operations.length;
  }
  return prefix;
}
