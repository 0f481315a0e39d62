import type { JsonObject } from "@syncline/shared/document";
import { mergeYjsStates } from "@syncline/shared/yjs";
import { describe, expect, it } from "vitest";
import { batchEntry, MemoryTables, type GivenBatch, type GivenOperation } from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";

/**
 * Yjs states of one text, as Yjs encodes them: the second extends the first, and the third has other content than
 * the second.
 */
const SEED = "AQEBAAQBAXQEU2VlZAA=";
const NEWER = "AgECAEQBAARTZWVkAQEABAEBdARTZWVkAA==";
const OTHER = "AgEDAEQBAAFYAQEABAEBdARTZWVkAA==";
const BOTH = mergeYjsStates(NEWER, OTHER) ?? "";

/** A document whose state is newer than the states that its devices send. */
function tablesWith(data: JsonObject): MemoryTables {
  const tables = new MemoryTables();
  tables.policies = { collections: { documents: { rules: [{ path: "/s", is: "yjs" }] } } };
  tables.drain(batchEntry({ device: "d1", operations: [{ kind: "put", data }] }));
  return tables;
}

const dataOf = (tables: MemoryTables) => [...tables.documentByKey.values()][0]?.data;

describe("a Yjs state that is written", () => {
  it.each<[string, GivenOperation]>([
    ["by a put with the current version", { kind: "put", data: { s: SEED }, expectedVersion: 1 }],
    ["by a put without a version", { kind: "put", data: { s: SEED } }],
    ["by an update with the current version", { kind: "update", data: { s: SEED }, expectedVersion: 1 }],
    ["by an update without a version", { kind: "update", data: { s: SEED } }],
    ["by a JSON Patch", { kind: "update", patch: [{ op: "add", path: "/s", value: SEED }] }],
  ])("is merged with the stored one: %s", (_, operation) => {
    const tables = tablesWith({ s: NEWER });
    tables.drain(batchEntry({ device: "d2", operations: [operation] }));
    expect(dataOf(tables)).toEqual({ s: NEWER });
  });

  it("is merged with those of its own batch, folded or not", () => {
    const tables = tablesWith({ s: SEED });
    const operations = [NEWER, OTHER, SEED].map((s): GivenOperation => ({ kind: "put", data: { s } }));
    const plan = tables.drain(batchEntry({ device: "d1", operations }));
    expect(plan.changes).toHaveLength(1);
    expect(dataOf(tables)).toEqual({ s: BOTH });
  });

  it("starts anew after a deletion", () => {
    const tables = tablesWith({ s: NEWER });
    tables.drain(batchEntry({ operations: [{ kind: "delete" }] }));
    tables.drain(batchEntry({ operations: [{ kind: "create", data: { s: SEED } }] }));
    expect(dataOf(tables)).toEqual({ s: SEED });
  });

  it.each<[string, Partial<GivenBatch>]>([
    ["under client-wins", { onConflict: "client-wins" }],
    ["in a group", { onConflict: "client-wins", atomic: true }],
    ["under merge", { onConflict: "merge" }],
  ])("is merged in a conflict, %s", (_, more) => {
    const tables = tablesWith({ s: SEED });
    tables.drain(batchEntry({ device: "d1", operations: [{ kind: "put", data: { s: NEWER } }] }));
    const operations: GivenOperation[] = [{ kind: "put", data: { s: OTHER }, expectedVersion: 1 }];
    const [conflict] = tables.drain(batchEntry({ device: "d2", operations, ...more })).conflicts;
    if (conflict?.status === "open") tables.drain(resolveConflict(tables, conflict, { isLastRound: false }));
    expect(dataOf(tables)).toEqual({ s: BOTH });
  });

  it("is merged if a person decides with data of their own", () => {
    const tables = tablesWith({ s: SEED });
    tables.drain(batchEntry({ device: "d1", operations: [{ kind: "put", data: { s: NEWER } }] }));
    const operations: GivenOperation[] = [{ kind: "put", data: { s: OTHER }, expectedVersion: 1 }];
    const [conflict] = tables.drain(batchEntry({ device: "d2", onConflict: "report", operations })).conflicts;
    if (conflict === undefined) throw new Error("no conflict was reported");
    const { conflictId } = conflict;
    const revision = tables.conflictById.get(conflictId)?.revision ?? 0;
    const inputs = { ancestor: null, local: null, localTimestampMs: null };
    const decision = { conflictId, choice: "data" as const, revision, version: 2, inputs };
    tables.drain(batchEntry({ operations: [{ kind: "put", data: { s: OTHER }, decision }] }));
    expect(dataOf(tables)).toEqual({ s: BOTH });
  });
});
