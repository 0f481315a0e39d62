import type { JsonObject } from "@syncline/shared/document";
import type { LaneEntry } from "@syncline/shared/protocol";
import { describe, expect, it } from "vitest";
import { batchEntry, MemoryTables, type GivenOperation } from "../testing/memory-tables.ts";
import { decide, documentOf, recordOf } from "../testing/decide.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";
import type { ConflictWrite } from "./window-plan.ts";

const put = (data: JsonObject, more: Partial<GivenOperation> = {}): GivenOperation => ({
  kind: "put",
  data,
  ...more,
});

/** A conflict in which `d2` has changed the title that `d1` changed, too. */
function conflicted(onConflict: "manual" | "report" | "merge"): {
  tables: MemoryTables;
  conflict: ConflictWrite;
} {
  const tables = new MemoryTables();
  tables.drain(batchEntry({ device: "d0", operations: [put({ title: "New", body: "" })] }));
  tables.drain(batchEntry({ device: "d1", operations: [put({ title: "Theirs", body: "" })] }));
  const mine = put({ title: "Mine", body: "" }, { clientId: "mine", expectedVersion: 1 });
  const plan = tables.drain(batchEntry({ device: "d2", onConflict, operations: [mine] }));
  const [opened] = plan.conflicts;
  if (opened === undefined) throw new Error("no conflict was opened");
  if (onConflict !== "report") tables.drain(resolveConflict(tables, opened, { isLastRound: false }));
  return { tables, conflict: recordOf(tables, opened.conflictId) };
}

const resultOf = (tables: MemoryTables, entry: LaneEntry) => tables.drain(entry).batches[0]?.results[0];
const rowOf = (tables: MemoryTables, device: string, clientId: string) =>
  [...tables.ledgerRowByKey.values()].find((row) => row.deviceId === device && row.clientId === clientId);

describe("a person's decision on a parked conflict", () => {
  it("writes the document, as one version, and resolves the record and the run", () => {
    const { tables, conflict } = conflicted("manual");
    expect(conflict.status).toBe("parked");
    const entry = decide(tables, conflict.conflictId, { title: "Both", body: "" });
    expect(resultOf(tables, entry)).toMatchObject({ status: "success", version: 3, seq: 3 });
    expect(documentOf(tables)).toMatchObject({ version: 3, data: { title: "Both" } });
    expect(recordOf(tables, conflict.conflictId)).toMatchObject({
      status: "resolved",
      resolvedVersion: 3,
      resolvedSeq: 3,
      ancestorView: { title: "New" },
      remoteView: { title: "Theirs" },
      localView: { title: "Mine" },
      result: { title: "Both" },
    });
    expect(rowOf(tables, "d2", "mine")).toMatchObject({
      status: "success",
      merged: true,
      decided: "data",
      version: 3,
      seq: 3,
    });
    expect(tables.decisions).toMatchObject([
      {
        choice: "data",
        clientId: "decision",
        replacedVersion: 2,
        replaced: { title: "Theirs" },
        version: 3,
        revision: recordOf(tables, conflict.conflictId).revision,
      },
    ]);
  });

  it("that leaves the document as it is writes no change", () => {
    const { tables, conflict } = conflicted("manual");
    const before = tables.changes.length;
    const entry = decide(tables, conflict.conflictId, { title: "Theirs", body: "" }, { choice: "server" });
    const settled = { status: "success", decided: "server", version: 2 };
    expect(resultOf(tables, entry)).toMatchObject({ ...settled, conflict_id: conflict.conflictId });
    expect(tables.changes).toHaveLength(before);
    expect(rowOf(tables, "d2", "mine")).toMatchObject({ ...settled, merged: true });
    expect(tables.decisions).toMatchObject([{ choice: "server", replaced: null, version: 2 }]);
  });

  it("may delete the document", () => {
    const { tables, conflict } = conflicted("manual");
    expect(resultOf(tables, decide(tables, conflict.conflictId, null))).toMatchObject({ version: 3 });
    expect(documentOf(tables)).toMatchObject({ deleted: true, version: 3 });
  });

  it("is an error if the document would be too large, and the record stays parked", () => {
    const { tables, conflict } = conflicted("manual");
    const before = documentOf(tables);
    const large = { text: "x".repeat(2_000_000) };
    const result = resultOf(tables, decide(tables, conflict.conflictId, large));
    expect(result).toMatchObject({ status: "error", error_type: "document_too_large" });
    expect(documentOf(tables)).toEqual(before);
    expect(recordOf(tables, conflict.conflictId)).toEqual(conflict);
    const smaller = decide(tables, conflict.conflictId, { title: "Both" }, { clientId: "again" });
    expect(resultOf(tables, smaller)).toMatchObject({ status: "success" });
  });

  it("covers the operations that the device sent after it was parked", () => {
    const { tables, conflict } = conflicted("manual");
    const more: GivenOperation = {
      kind: "update",
      data: { body: "More" },
      clientId: "more",
      expectedVersion: 1,
    };
    tables.drain(batchEntry({ device: "d2", operations: [more] }));
    tables.drain(decide(tables, conflict.conflictId, { title: "Mine", body: "More" }, { choice: "local" }));
    expect(rowOf(tables, "d2", "more")).toMatchObject({
      status: "success",
      merged: true,
      decided: "local",
      version: 3,
    });
    expect(recordOf(tables, conflict.conflictId).localView).toEqual({ title: "Mine", body: "More" });
  });

  it("is the base of the device's operations before it receives the decision", () => {
    const { tables, conflict } = conflicted("manual");
    tables.drain(decide(tables, conflict.conflictId, { title: "Theirs", body: "" }, { choice: "server" }));
    const next: GivenOperation = {
      kind: "update",
      data: { body: "Next" },
      clientId: "next",
      expectedVersion: 1,
    };
    const [opened] = tables.drain(batchEntry({ device: "d2", operations: [next] })).conflicts;
    expect(opened?.deviceView).toEqual({ title: "Mine", body: "" });
  });
});

describe("a decision that comes too late", () => {
  it("is refused if the document has moved, and changes no record", () => {
    const { tables, conflict } = conflicted("manual");
    const entry = decide(tables, conflict.conflictId, { title: "Both" });
    tables.drain(batchEntry({ device: "d0", operations: [put({ title: "Newer" })] }));
    expect(resultOf(tables, entry)).toMatchObject({
      status: "conflict",
      error_type: "decision_outdated",
      conflict_data: { expected_version: 2, current_version: 3, conflict_id: conflict.conflictId },
    });
    expect(documentOf(tables)).toMatchObject({ data: { title: "Newer" } });
    expect(recordOf(tables, conflict.conflictId)).toEqual(conflict);
    expect(tables.decisions).toEqual([]);
  });

  it("is refused if the person had seen another version", () => {
    const { tables, conflict } = conflicted("manual");
    const entry = decide(tables, conflict.conflictId, { title: "Both" }, { expectedVersion: 1 });
    expect(resultOf(tables, entry)).toMatchObject({ status: "conflict", error_type: "decision_outdated" });
  });

  it("is refused if the device's run has grown", () => {
    const { tables, conflict } = conflicted("manual");
    const entry = decide(tables, conflict.conflictId, { title: "Mine" }, { choice: "local" });
    tables.drain(batchEntry({ device: "d2", operations: [put({ title: "Mine, again" })] }));
    expect(resultOf(tables, entry)).toMatchObject({ status: "conflict", error_type: "decision_outdated" });
    expect(recordOf(tables, conflict.conflictId).status).toBe("parked");
  });

  it.each(["in one window", "one after the other"])("is refused to the second of two people, %s", (how) => {
    const { tables, conflict } = conflicted("manual");
    // Neither writes, so the document's version alone would let both pass.
    const same = { title: "Theirs", body: "" };
    const entries = ["bob", "carol"].map((subject) =>
      decide(tables, conflict.conflictId, same, { choice: "server", subject }),
    );
    const plans =
      how === "in one window" ? [tables.drain(...entries)] : entries.map((one) => tables.drain(one));
    const results = plans.flatMap(({ batches }) => batches.flatMap((batch) => batch.results));
    expect(results.map(({ status }) => status)).toEqual(["success", "conflict"]);
    expect(tables.decisions).toHaveLength(1);
  });

  it("is refused if the record is gone", () => {
    const { tables, conflict } = conflicted("report");
    const entry = decide(tables, conflict.conflictId, { title: "Both" });
    tables.conflictById.delete(conflict.conflictId);
    expect(resultOf(tables, entry)).toMatchObject({ status: "conflict", error_type: "decision_outdated" });
  });
});

describe("a decision", () => {
  it("that is sent again has no second effect, and the same answer", () => {
    const { tables, conflict } = conflicted("manual");
    const first = resultOf(tables, decide(tables, conflict.conflictId, { title: "Both" }));
    const again = resultOf(tables, decide(tables, conflict.conflictId, { title: "Both" }));
    expect(again).toEqual({ ...first, replayed: true });
    expect(tables.decisions).toHaveLength(1);
  });

  it("on a resolved conflict restores the losing side, and keeps the first resolution in the record", () => {
    const { tables, conflict } = conflicted("merge");
    expect(conflict).toMatchObject({
      status: "resolved",
      remoteView: { title: "Theirs" },
      result: { title: "Mine" },
    });
    const { remoteView: restored = null } = conflict;
    tables.drain(decide(tables, conflict.conflictId, restored, { choice: "server" }));
    expect(documentOf(tables)).toMatchObject({ data: { title: "Theirs" }, version: 4 });
    const { revision, ...rest } = conflict;
    expect(recordOf(tables, conflict.conflictId)).toMatchObject(rest);
    expect(recordOf(tables, conflict.conflictId).revision).toBeGreaterThan(revision);
    expect(tables.decisions).toMatchObject([{ choice: "server", replaced: { title: "Mine" } }]);
  });

  it("on a reported conflict resolves it; the operation stays refused, and so do later ones sent behind it", () => {
    const { tables, conflict } = conflicted("report");
    // Accepted before the device can have known of the refusal.
    const late: GivenOperation = {
      kind: "update",
      data: { body: "Late" },
      clientId: "late",
      expectedVersion: 1,
    };
    const unaware = { ...tables.accept(batchEntry({ device: "d2", operations: [late] })), answeredId: "0-0" };
    tables.drain(decide(tables, conflict.conflictId, { title: "Mine", body: "" }, { choice: "local" }));
    expect(recordOf(tables, conflict.conflictId)).toMatchObject({ status: "resolved", resolvedVersion: 3 });
    expect(rowOf(tables, "d2", "mine")).toMatchObject({ status: "conflict" });
    tables.drain(unaware);
    expect(rowOf(tables, "d2", "late")).toMatchObject({
      status: "conflict",
      errorType: "behind_conflict",
      conflictId: conflict.conflictId,
    });
  });
});
