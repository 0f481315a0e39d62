import { ERROR_CODES, type ErrorCodeName } from "@syncline/shared/protocol";
import { createCounter, createHistogram, LONG_SECONDS_BOUNDS, SECONDS_BOUNDS } from "@syncline/kit/telemetry";
import { countPlan } from "../core/count-plan.ts";
import type { WindowPlan } from "../core/window-plan.ts";

/**
 * The metrics of drains. They have no attributes except an error's code: the worker's hottest path only adds
 * numbers.
 */
export interface DrainMetrics {
  /** Records a window that was removed from its lane, or given up. */
  drained(entries: number, durationMs: number): void;
  committed(plan: WindowPlan): void;
  /** Records workspaces that were deferred because of an error. */
  deferred(workspaces: number, code: ErrorCodeName): void;
}

export function createDrainMetrics(): DrainMetrics {
  const { applied, changes, conflicted, failed, deferred } = createCounters();
  const { drains, windows, batches, merges, rounds } = createHistograms();
  return {
    drained(entries, durationMs) {
      drains.record(durationMs / 1_000);
      windows.record(entries);
    },
    deferred(workspaces, code) {
      deferred.add(workspaces, { "error.type": code });
    },
    committed(plan) {
      const counts = countPlan(plan, Date.now());
      applied.add(counts.applied);
      changes.add(counts.changes);
      conflicted.add(counts.conflicted);
      failed.add(counts.failed);
      for (const latencyMs of counts.batchLatenciesMs) batches.record(latencyMs / 1_000);
      for (const latencyMs of counts.mergeLatenciesMs) merges.record(latencyMs / 1_000);
      for (const taken of plan.roundsTaken) rounds.record(taken);
    },
  };
}

function createCounters() {
  const operations = "{operation}";
  return {
    applied: createCounter("syncline.operations.applied", "Operations answered success", operations),
    changes: createCounter(
      "syncline.changes.written",
      "Changes that applied operations were folded into",
      "{change}",
    ),
    conflicted: createCounter(
      "syncline.operations.conflicted",
      "Operations that met a conflict, or were held behind one, when first drained",
      operations,
    ),
    failed: createCounter("syncline.operations.failed", "Operations answered error", operations),
    deferred: createCounter(
      "syncline.workspaces.deferred",
      "Workspaces that were deferred because they could not be committed, by the error's code",
      "{workspace}",
      Object.keys(ERROR_CODES).map((code) => ({ "error.type": code })),
    ),
  };
}

function createHistograms() {
  return {
    drains: createHistogram("syncline.drain.duration", "Duration of a window, from its read to its replies", {
      unit: "s",
      bounds: SECONDS_BOUNDS,
    }),
    windows: createHistogram("syncline.window.entries", "Entries of a drained window", {
      unit: "{entry}",
      bounds: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000],
    }),
    batches: createHistogram(
      "syncline.batch.commit.duration",
      "From a batch's acceptance to the commit of its window",
      { unit: "s", bounds: LONG_SECONDS_BOUNDS },
    ),
    merges: createHistogram(
      "syncline.operation.merge.duration",
      "From an operation's acceptance to the commit of its merge",
      { unit: "s", bounds: LONG_SECONDS_BOUNDS },
    ),
    rounds: createHistogram("syncline.merge.rounds", "Rounds of a merge", {
      unit: "{round}",
      // Exact for most merges, coarser up to the largest configurable number.
      bounds: [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32],
    }),
  };
}
