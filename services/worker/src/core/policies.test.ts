import type { CollectionPolicy, ConflictStrategy } from "@syncline/shared/merge";
import type { HookOutcome, Resolution } from "@syncline/shared/protocol";
import { describe, expect, it } from "vitest";
import { batchEntry, MemoryTables, type GivenBatch } from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";
import type { ConflictState } from "./window-state.ts";

const resolve = () => undefined;

/** A conflict on a counter that two devices add to, the second of which started from the first version. */
function collide(policy: CollectionPolicy, more: Partial<GivenBatch> = {}, tables = new MemoryTables()) {
  tables.policies = { collections: { documents: policy } };
  const put = (device: string, n: number, version?: number) => ({
    device,
    operations: [
      { kind: "put" as const, data: { n }, ...(version === undefined ? {} : { expectedVersion: version }) },
    ],
  });
  tables.drain(batchEntry(put("d1", 10)));
  tables.drain(batchEntry(put("d2", 13)));
  const plan = tables.drain(batchEntry({ ...put("d3", 12, 1), ...more }));
  const [conflict] = plan.conflicts;
  if (conflict === undefined) throw new Error("no conflict is there");
  return { tables, conflict, plan, put };
}

/** The conflict service's resolution, with the outcome of the hook. */
function answerOf(
  tables: MemoryTables,
  conflict: ConflictState,
  more: Partial<Resolution>,
  options = { isLastRound: false },
) {
  const entry = resolveConflict(tables, conflict, options);
  return { ...entry, resolution: { ...entry.resolution, ...more } };
}

describe("a collection's policy in a drain", () => {
  it.each<[CollectionPolicy, Partial<GivenBatch>, Partial<ConflictState>]>([
    [{}, {}, { strategy: "merge", hook: null }],
    [{ strategy: "manual" }, {}, { strategy: "manual" }],
    [{ strategy: "manual" }, { onConflict: "merge" }, { strategy: "merge" }],
    [{ strategy: "report" }, {}, { strategy: "report", status: "reported" }],
    [{ resolve }, {}, { strategy: "merge", hook: "due" }],
    [{ resolve }, { onConflict: "client-wins" }, { strategy: "client-wins", hook: null }],
    [{ resolve }, { onConflict: "report" }, { strategy: "report", hook: null }],
    // Naming the policy's own strategy does not bypass its hook.
    [{ resolve, strategy: "server-wins" }, { onConflict: "server-wins" }, { hook: "due" }],
    // A group merges only if its batch says so, whatever the policy, and calls no hook.
    [{ strategy: "server-wins" }, { atomic: true }, { strategy: "report", status: "reported" }],
    [{ resolve }, { atomic: true, onConflict: "merge" }, { status: "resolved", hook: "skipped" }],
  ])("%j decides if %j leaves it open", (policy, more, expected) => {
    expect(collide(policy, more).conflict).toMatchObject(expected);
  });

  it("applies its rules in a group's merge, and in the last round's", () => {
    const policy: CollectionPolicy = { rules: [{ path: "/n", is: "counter" }] };
    const group = collide(policy, { atomic: true, onConflict: "merge" });
    expect(group.conflict.result).toEqual({ n: 15 });
    const { tables, conflict, put } = collide(policy);
    const last = answerOf(tables, conflict, {}, { isLastRound: true });
    tables.drain(batchEntry(put("d2", 20)));
    expect(tables.drain(last).conflicts).toMatchObject([{ status: "resolved", result: { n: 22 } }]);
  });
});

describe("the outcome of a hook", () => {
  it.each<[HookOutcome, ConflictStrategy | undefined]>([
    ["resolved", undefined],
    ["deferred", "server-wins"],
    ["failed", undefined],
  ])("is in the record: %s %s", (hook, strategy) => {
    const { tables, conflict } = collide({ resolve });
    const said = { hook, ...(strategy === undefined ? {} : { strategy }) };
    const plan = tables.drain(answerOf(tables, conflict, said));
    expect(plan.conflicts).toMatchObject([{ status: "resolved", hook, strategy: strategy ?? "merge" }]);
  });

  it("is in the record of a conflict that it left to a person", () => {
    const { tables, conflict } = collide({ resolve });
    const outcome = { kind: "park" as const, reason: "which?", proposed: { n: 12 }, overlaps: [] };
    const plan = tables.drain(answerOf(tables, conflict, { outcome, hook: "asked" }));
    expect(plan.conflicts).toMatchObject([{ status: "parked", hook: "asked", reason: "which?" }]);
  });

  it("counts for one round and one run only: the next one calls the hook again", () => {
    const { tables, conflict, put } = collide({ resolve });
    const stale = answerOf(tables, conflict, { hook: "deferred", strategy: "server-wins" });
    tables.drain(batchEntry(put("d2", 20)));
    expect(tables.drain(stale).conflicts).toMatchObject([{ round: 2, hook: "due", strategy: "merge" }]);
    const [next] = tables.conflictById.values();
    if (next === undefined) throw new Error("the conflict is gone");
    const second = answerOf(tables, next, { hook: "deferred", strategy: "server-wins" });
    tables.drain(batchEntry(put("d3", 30)));
    expect(tables.drain(second).conflicts).toMatchObject([
      { status: "resolved", hook: "deferred", strategy: "server-wins" },
      { status: "open", hook: "due", strategy: "merge" },
    ]);
  });
});
