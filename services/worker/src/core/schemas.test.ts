import type { JsonObject } from "@syncline/shared/document";
import { definePolicies } from "@syncline/shared/policies";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { decide } from "../testing/decide.ts";
import { batchEntry, MemoryTables, type GivenOperation } from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";

const POLICIES = definePolicies({
  default: { schema: z.object({ n: z.number(), list: z.array(z.string()).max(3).optional() }) },
});

function tablesWith(...given: JsonObject[]): MemoryTables {
  const tables = new MemoryTables();
  // The first documents are older than the schema.
  for (const [index, data] of given.entries()) {
    tables.drain(batchEntry({ device: `old${index}`, operations: [{ kind: "put", data }] }));
  }
  tables.policies = POLICIES;
  return tables;
}

const send = (tables: MemoryTables, device: string, operation: GivenOperation, more: object = {}) =>
  tables.drain(batchEntry({ device, operations: [operation], ...more })).batches[0]?.results[0];
const dataIn = (tables: MemoryTables) => tables.documentByKey.values().next().value?.data;

/** Lets two devices add two items each: more than the schema allows. */
function collide(more: object = {}) {
  const tables = tablesWith({ n: 1, list: [] });
  send(tables, "d1", { kind: "update", data: { list: ["a", "b"] } });
  const mine: GivenOperation = { kind: "update", data: { list: ["c", "d"] }, expectedVersion: 1 };
  const result = send(tables, "d2", mine, more);
  const conflict = [...tables.conflictById.values()].at(-1);
  if (conflict === undefined) throw new Error("no conflict was opened");
  return { tables, result, conflict };
}

describe("an operation that violates its collection's schema", () => {
  it.each<[string, GivenOperation]>([
    ["create", { kind: "create", documentId: "new", data: { n: "1" } }],
    ["put", { kind: "put", data: { n: "1" } }],
    ["merge patch", { kind: "update", data: { n: "1" } }],
    ["removal", { kind: "update", data: { n: null } }],
    ["JSON Patch", { kind: "update", patch: [{ op: "replace", path: "/n", value: "1" }] }],
  ])("fails alone: a %s", (_, operation) => {
    const tables = tablesWith({ n: 1 });
    const batch = { device: "d1", operations: [{ kind: "update", data: { n: 2 } } as const, operation] };
    const [before, failing] = tables.drain(batchEntry(batch)).batches[0]?.results ?? [];
    expect([before?.status, failing?.error_type]).toEqual(["success", "schema_violation"]);
    expect(failing?.error).toContain("/n: ");
    expect(dataIn(tables)).toEqual({ n: 2 });
  });

  it("fails its group, and names a fault of the schema as such", () => {
    const tables = tablesWith({ n: 1 });
    const operations: GivenOperation[] = [
      { kind: "update", data: { n: 2 } },
      { kind: "put", data: {} },
    ];
    const plan = tables.drain(batchEntry({ atomic: true, operations }));
    expect(plan.batches[0]?.results.map(({ status }) => status)).toEqual(["skipped", "error"]);
    const validate = () => {
      throw new RangeError("secret");
    };
    tables.policies = { default: { schema: { "~standard": { version: 1, vendor: "test", validate } } } };
    const result = send(tables, "d1", { kind: "update", data: { n: 3 } });
    expect(result).toMatchObject({ error_type: "operation_refused" });
    expect(result?.error).toMatch(/schema cannot be used: it threw RangeError$/);
  });
});

describe("a document that is older than its schema", () => {
  it("stays as it is until an operation mends it, and may be deleted", () => {
    const tables = tablesWith({ title: "Old" });
    const update = (data: JsonObject) => send(tables, "d1", { kind: "update", data });
    expect(update({ title: "New" })).toMatchObject({ error_type: "schema_violation" });
    expect(update({ title: "Old" })).toMatchObject({ status: "success" });
    expect(update({ n: 1 })).toMatchObject({ status: "success" });
    expect(dataIn(tables)).toEqual({ title: "Old", n: 1 });
    expect(send(tablesWith({}), "d1", { kind: "delete" })).toMatchObject({ status: "success" });
  });
});

describe("a merge whose outcome violates the schema", () => {
  it.each([false, true])("is left to a person, in the last round: %s", (isLastRound) => {
    const { tables, conflict } = collide();
    const resolution = resolveConflict(tables, conflict, { isLastRound });
    if (isLastRound) send(tables, "d1", { kind: "update", data: { n: 2 } });
    const plan = tables.drain(resolution);
    expect(plan.settled).toMatchObject([{ result: { status: "conflict", error_type: "parked" } }]);
    const proposed = { list: expect.arrayContaining(["a", "b", "c", "d"]) as string[] };
    expect(plan.conflicts).toMatchObject([{ status: "parked", result: proposed }]);
    expect(plan.conflicts[0]?.reason).toContain("/list: ");
    expect(dataIn(tables)).toMatchObject({ list: ["a", "b"] });
  });

  it("fails its group", () => {
    const { tables, result, conflict } = collide({ atomic: true, onConflict: "merge" });
    expect(result).toMatchObject({ status: "conflict", error_type: "version_mismatch" });
    expect(conflict).toMatchObject({ status: "reported" });
    expect(conflict.reason).toContain("/list: ");
    expect(dataIn(tables)).toMatchObject({ list: ["a", "b"] });
  });

  it("keeps a server's document that is older than the schema", () => {
    const tables = tablesWith({ old: 1 }, { old: 2 });
    send(
      tables,
      "d2",
      { kind: "update", data: { old: 3 }, expectedVersion: 1 },
      { onConflict: "server-wins" },
    );
    const [conflict] = tables.conflictById.values();
    tables.drain(resolveConflict(tables, conflict!, { isLastRound: false }));
    expect(tables.conflictById.values().next().value?.status).toBe("resolved");
  });
});

describe("a decision", () => {
  it("that violates the schema is refused, and one that conforms completes the conflict", () => {
    const { tables, conflict } = collide();
    tables.drain(resolveConflict(tables, conflict, { isLastRound: false }));
    const decided = (clientId: string, data: JsonObject) =>
      tables.drain(decide(tables, conflict.conflictId, data, { clientId })).batches[0]?.results[0];
    const refused = decided("first", { n: 1, list: ["a", "b", "c", "d"] });
    expect(refused).toMatchObject({ status: "error", error_type: "schema_violation" });
    expect(refused?.error).toContain("/list: ");
    expect(tables.conflictById.get(conflict.conflictId)?.status).toBe("parked");
    expect(decided("second", { n: 1, list: ["a"] })).toMatchObject({ status: "success", decided: "data" });
  });
});
