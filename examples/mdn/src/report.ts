import type { FinishedOperation, Phase } from "./run-devices.ts";

/** The outcomes of a run's operations, in numbers. */
export interface Tally {
  /** Operations that share one change with an earlier operation of the same device on the same document. */
  readonly folds: number;
  readonly conflicts: number;
  /** Fields that both sides of a conflict wrote. */
  readonly overlaps: number;
  /** Operations applied by a merge. */
  readonly merges: number;
  readonly rounds: number;
}

/** Counts folds and merges from the answers; operations that share one conflict count once. */
export function tallyOperations(operations: readonly FinishedOperation[]): Tally {
  const changes = new Set(operations.map((o) => `${o.deviceId} ${o.documentId} ${o.result.seq}`));
  const merged = operations.filter((operation) => operation.result.merged === true);
  const conflicts = new Map(
    merged.map((o) => [o.result.conflict_id ?? `${o.deviceId} ${o.clientId}`, o.result]),
  );
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
  return {
    folds: operations.length - changes.size,
    conflicts: conflicts.size,
    overlaps: sum(Array.from(conflicts.values(), (result) => result.overlaps ?? 0)),
    merges: merged.length,
    rounds: sum(Array.from(conflicts.values(), (result) => result.rounds ?? 1)),
  };
}

/** Formats one line a phase: operations and speed. */
export function describePhase(label: string, phase: Phase): string {
  const count = phase.operations.length;
  const perSecond = Math.round((count / Math.max(1, phase.elapsedMs)) * 1000);
  return (
    `${label.padEnd(8)}${format(perSecond)} operations a second ` +
    `(${format(count)} in ${(phase.elapsedMs / 1000).toFixed(1)} s, ${format(phase.batches)} batches, ` +
    `${format(phase.batchesSentAgain)} sent more than once)`
  );
}

/** Formats the counts in one line. */
export function describeTally(tally: Tally): string {
  return (
    `${format(tally.folds)} folds, ${format(tally.conflicts)} conflicts with ${format(tally.overlaps)} overlaps, ` +
    `${format(tally.merges)} merges in ${format(tally.rounds)} rounds`
  );
}

/** Names the counts that are zero: a run without folds or conflicts proves no folding or merging. */
export function findMissing(tally: Tally): string[] {
  const counts = { folds: tally.folds, conflicts: tally.conflicts, overlaps: tally.overlaps };
  return Object.entries(counts)
    .filter(([, count]) => count === 0)
    .map(([name]) => `there were no ${name}, so the run does not test them`);
}

/** Formats a number with separators. */
export function format(count: number): string {
  return count.toLocaleString("en");
}
