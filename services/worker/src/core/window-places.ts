import type { LaneEntry, Resolution } from "@syncline/shared";

/** Names an operation's place in a window, for {@link PlanDeps.refusals}. */
export function operationPlace(batchId: string, position: number): string {
  return `${batchId}/${position}`;
}

/** Names a resolution's place in a window, for {@link PlanDeps.refusals}. */
export function resolutionPlace(resolution: Resolution): string {
  return `${resolution.conflictId}/${resolution.round}`;
}

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
