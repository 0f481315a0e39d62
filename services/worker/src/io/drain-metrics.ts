import { ERROR_CODES, type ErrorCodeName } from "@syncline/shared";
import { createCounter, createHistogram, LONG_SECONDS_BOUNDS, SECONDS_BOUNDS } from "@syncline/runtime";
import { countPlan } from "../core/count-plan.ts";
import type { WindowPlan } from "../core/window-plan.ts";

/** What drains are measured by. No attributes: the worker's hottest path adds up numbers, and nothing else. */
export interface DrainMetrics {
  /** A window was taken off its lane, or given up. */
  drained(entries: number, durationMs: number): void;
  committed(plan: WindowPlan): void;
  /** Workspaces were deferred, because of an error. */
  deferred(workspaces: number, code: ErrorCodeName): void;
}

export function createDrainMetrics(): DrainMetrics {
  const operations = "{operation}";
  const applied = createCounter("syncline.operations.applied", "Operations answered success", operations);
  const changes = createCounter(
    "syncline.changes.written",
    "Changes that applied operations were folded into",
    "{change}",
  );
  const conflicted = createCounter(
    "syncline.operations.conflicted",
    "Operations that met a conflict, or were held behind one, when they first came",
    operations,
  );
  const failed = createCounter("syncline.operations.failed", "Operations answered error", operations);
  const deferred = createCounter(
    "syncline.workspaces.deferred",
    "Workspaces that could not be committed and that their lane went on without, by the error's code",
    "{workspace}",
    Object.keys(ERROR_CODES).map((code) => ({ "error.type": code })),
  );
  const drains = createHistogram(
    "syncline.drain.duration",
    "How long a window took, from its read to its replies",
    { unit: "s", bounds: SECONDS_BOUNDS },
  );
  const windows = createHistogram("syncline.window.entries", "Entries that a window took off its lane", {
    unit: "{entry}",
    bounds: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000],
  });
  const batches = createHistogram(
    "syncline.batch.commit.duration",
    "From a batch's acceptance to the commit of its window",
    { unit: "s", bounds: LONG_SECONDS_BOUNDS },
  );
  const merges = createHistogram(
    "syncline.operation.merge.duration",
    "From an operation's acceptance to the commit of its merge",
    { unit: "s", bounds: LONG_SECONDS_BOUNDS },
  );
  const rounds = createHistogram("syncline.merge.rounds", "Rounds that a merge took", {
    unit: "{round}",
    // Exact where most merges end, coarser up to the most that can be configured.
    bounds: [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32],
  });
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
