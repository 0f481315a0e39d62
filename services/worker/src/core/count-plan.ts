import type { WindowPlan } from "./window-plan.ts";

/** What a committed plan comes to, in numbers. */
export interface PlanCounts {
  /** Operations that were answered `success`, and the changes that they were folded into. */
  applied: number;
  changes: number;
  /** Operations whose answer is an error. */
  failed: number;
  /** Operations that met a conflict, or were held behind one, when they first came. */
  conflicted: number;
  /** From acceptance, of each batch that came for the first time, in milliseconds. */
  batchLatenciesMs: number[];
  /** From acceptance, of each operation that a merge made a success of, in milliseconds. */
  mergeLatenciesMs: number[];
}

export function countPlan(plan: WindowPlan, nowMs: number): PlanCounts {
  const freshBatchIds = new Set(plan.batches.map(({ batchId }) => batchId));
  const counts: PlanCounts = {
    applied: plan.operationsApplied,
    changes: plan.changes.length,
    failed: 0,
    conflicted: 0,
    // Of two machines' clocks, the later one's may be behind.
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
