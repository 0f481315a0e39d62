import type { LedgerRow } from "@syncline/shared/protocol";
import { expect, it } from "vitest";
import { countPlan } from "./count-plan.ts";
import type { WindowPlan } from "./window-plan.ts";

const EMPTY: WindowPlan = {
  workspaces: [],
  documents: [],
  changes: [],
  ledgerRows: [],
  batches: [],
  conflicts: [],
  decisions: [],
  heldMoves: [],
  heldWrites: [],
  replies: [],
  settled: [],
  rounds: [],
  missingHistory: [],
  operationsApplied: 0,
  roundsTaken: [],
};
const NOW_MS = 10_000;

function row(batchId: string, status: LedgerRow["status"], more: Partial<LedgerRow> = {}): LedgerRow {
  return {
    workspaceId: "w",
    deviceId: "d",
    clientId: "c",
    batchId,
    fingerprint: "",
    operation: "put",
    collection: "documents",
    documentId: "doc",
    status,
    version: null,
    seq: null,
    merged: false,
    decided: null,
    overlapCount: null,
    rounds: null,
    error: null,
    errorType: null,
    expectedVersion: null,
    currentVersion: null,
    conflictId: null,
    conflictStatus: null,
    subject: "s",
    requestId: "r",
    traceId: null,
    acceptedAtMs: NOW_MS - 300,
    ...more,
  };
}

function batch(batchId: string, acceptedAtMs: number) {
  const results: WindowPlan["batches"][number]["results"] = [];
  return { workspaceId: "w", batchId, deviceId: "d", subject: "s", atomic: false, results, acceptedAtMs };
}

it("counts an operation in conflict once, when first drained: not when its conflict continues or ends", () => {
  const counts = countPlan(
    {
      ...EMPTY,
      batches: [batch("now", NOW_MS - 20)],
      ledgerRows: [
        row("now", "pending"),
        row("now", "conflict"),
        row("before", "pending"),
        row("before", "conflict"),
        row("now", "error"),
        row("before", "error"),
      ],
    },
    NOW_MS,
  );
  expect(counts).toMatchObject({ conflicted: 2, failed: 2 });
});

it("measures batches and merges from their acceptance, never below 0", () => {
  const counts = countPlan(
    {
      ...EMPTY,
      operationsApplied: 2,
      batches: [batch("a", NOW_MS - 20), batch("from a clock that is ahead", NOW_MS + 5)],
      ledgerRows: [row("a", "success"), row("before", "success", { merged: true })],
    },
    NOW_MS,
  );
  expect(counts).toMatchObject({ applied: 2, batchLatenciesMs: [20, 0], mergeLatenciesMs: [300] });
});
