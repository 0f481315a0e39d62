import type { WindowPlan } from "./window-plan.ts";

/** The numbers of a committed plan. */
export interface PlanCounts {
  /** Operations that were answered `success`, and the changes that they were folded into. */
  applied: number;
  changes: number;
  /** Operations that were answered `error`. */
  failed: number;
  /** Operations that met a conflict, or were held behind one, when first drained. */
  conflicted: number;
  /** The time since acceptance of each batch that was drained for the first time, in milliseconds. */
  batchLatenciesMs: number[];
  /** The time since acceptance of each operation that a merge made a success, in milliseconds. */
  mergeLatenciesMs: number[];
}

export function countPlan(plan: WindowPlan, nowMs: number): PlanCounts {
  const freshBatchIds = new Set(plan.batches.map(({ batchId }) => batchId));
  const counts: PlanCounts = {
    applied: plan.operationsApplied,
    changes: plan.changes.length,
    failed: 0,
    conflicted: 0,
    // The clock of this machine may be behind the one that accepted the batch.
    batchLatenciesMs: plan.batches.map(({ acceptedAtMs }) => Math.max(0, nowMs - acceptedAtMs)),
    mergeLatenciesMs: [],
  };
  for (const { batchId, status, merged, acceptedAtMs } of plan.ledgerRows) {
    if (status === "error") counts.failed += 1;
    else if (status === "success") {
      if (merged) counts.mergeLatenciesMs.push(Math.max(0, nowMs - acceptedAtMs));
    } else if (freshBatchIds.has(batchId)) counts.conflicted += 1;
  }
  return counts;
}
