import type { Resolution, StoredEntry, BatchId } from "@syncline/shared/protocol";
import { unitsOf } from "./batch-units.ts";

/** Names an operation's position in a window, for {@link PlanDeps.refusals}. */
export function operationPosition(batchId: BatchId, position: number): string {
  return `${batchId}/${position}`;
}

/** Names a resolution's position in a window, for {@link PlanDeps.refusals}. */
export function resolutionPosition(resolution: Resolution): string {
  return `${resolution.conflictId}/${resolution.round}`;
}

/** The positions of a window in the order in which they take effect, each an operation or a resolution. */
export function positionsOf(entries: readonly StoredEntry[]): string[] {
  return entries.flatMap(({ entry }) =>
    entry.kind === "resolution"
      ? [resolutionPosition(entry.resolution)]
      : entry.batch.operations.map((operation) => operationPosition(entry.batch.batchId, operation.position)),
  );
}

/** The numbers of positions after which a window can be cut without cutting a group. */
export function unitEndsOf(entries: readonly StoredEntry[]): number[] {
  const units = entries.flatMap(({ entry }) =>
    entry.kind === "resolution" ? [1] : unitsOf(entry.batch).map(({ operations }) => operations.length),
  );
  let end = 0;
  return units.map((length) => (end += length));
}

/** Returns a window's first positions. */
export function prefixOf(entries: readonly StoredEntry[], length: number): StoredEntry[] {
  const prefix: StoredEntry[] = [];
  let left = length;
  for (const stored of entries) {
    const { entry } = stored;
    if (left === 0) break;
    if (entry.kind === "resolution") {
      prefix.push(stored);
      left -= 1;
      continue;
    }
    const operations = entry.batch.operations.slice(0, left);
    prefix.push({ ...stored, entry: { ...entry, batch: { ...entry.batch, operations } } });
    left -= operations.length;
  }
  return prefix;
}
