import { describe, expect, it } from "vitest";
import type { LedgerRow } from "./ledger-row.ts";
import { resultOf } from "./operation-result.ts";

const ROW: LedgerRow = {
  workspaceId: "w",
  deviceId: "dev_1",
  clientId: "op_1",
  batchId: "b",
  fingerprint: "f",
  operation: "update",
  collection: "documents",
  documentId: "doc_1",
  status: "success",
  version: 3,
  seq: 4711,
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
  subject: "user",
  requestId: "r",
  traceId: null,
  acceptedAtMs: 0,
};
const NAMES = { client_id: "op_1", document_id: "doc_1" };

function resultFor(row: Partial<LedgerRow>, replayed = false) {
  return resultOf({ ...ROW, ...row }, { replayed });
}

describe("the result of an operation in the ledger", () => {
  it("that succeeded is its version and seq", () => {
    expect(resultFor({})).toStrictEqual({ ...NAMES, status: "success", version: 3, seq: 4711 });
  });

  it("that succeeded by a merge is the conflict, its overlaps and its rounds", () => {
    const row = { merged: true, conflictId: "c1", overlapCount: 0, rounds: 2 };
    expect(resultFor(row)).toStrictEqual({
      ...NAMES,
      status: "success",
      version: 3,
      seq: 4711,
      merged: true,
      conflict_id: "c1",
      overlaps: 0,
      rounds: 2,
    });
  });

  it("that a person's decision resolved is the choice, and the conflict", () => {
    const row = { decided: "server", conflictId: "c1" } as const;
    const settled = { ...NAMES, status: "success", version: 3, seq: 4711, conflict_id: "c1" };
    expect(resultFor(row)).toStrictEqual({ ...settled, decided: "server" });
    const held = { ...row, merged: true, overlapCount: 1, rounds: 2 };
    expect(resultFor(held, true)).toStrictEqual({
      ...settled,
      merged: true,
      decided: "server",
      overlaps: 1,
      rounds: 2,
      replayed: true,
    });
  });

  it("that failed is its reason, and no version", () => {
    const row = { status: "error", error: "It never existed", errorType: "document_not_found" } as const;
    expect(resultFor(row)).toStrictEqual({
      ...NAMES,
      status: "error",
      error: "It never existed",
      error_type: "document_not_found",
      action: "resend-new",
    });
  });

  it("that is in conflict is both versions and the record", () => {
    const row = {
      status: "conflict",
      error: "Version mismatch: expected 2, got 3",
      expectedVersion: 2,
      currentVersion: 3,
      conflictId: "c1",
    } as const;
    expect(resultFor(row)).toStrictEqual({
      ...NAMES,
      status: "conflict",
      error: "Version mismatch: expected 2, got 3",
      conflict_data: { expected_version: 2, current_version: 3, conflict_id: "c1" },
    });
  });

  it("that is in conflict with an absent document is version 0, and names no record if there is none", () => {
    expect(resultFor({ status: "conflict" }).conflict_data).toStrictEqual({
      expected_version: null,
      current_version: 0,
    });
  });

  it.each([
    ["open", "read-and-resend"],
    ["parked", "wait"],
    ["reported", "read-and-resend"],
  ] as const)("behind a conflict that is %s tells the device to %s", (conflictStatus, action) => {
    const row = {
      status: "conflict",
      errorType: "behind_conflict",
      conflictId: "c1",
      conflictStatus,
    } as const;
    expect(resultFor(row)).toMatchObject({
      action,
      conflict_data: { conflict_id: "c1", conflict_status: conflictStatus },
    });
  });

  it("that is pending is its status only", () => {
    expect(resultFor({ status: "pending", conflictId: "c1", error: "not yet" })).toStrictEqual({
      ...NAMES,
      status: "pending",
    });
  });

  it.each(["success", "error", "conflict"] as const)(
    "that ended in %s is marked as replayed when it is sent again",
    (status) => {
      expect(resultFor({ status }, true)).toStrictEqual({ ...resultFor({ status }), replayed: true });
    },
  );

  it("that is pending is not marked as replayed", () => {
    expect(resultFor({ status: "pending" }, true)).not.toHaveProperty("replayed");
  });
});
