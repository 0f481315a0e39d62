import type { JsonObject } from "@syncline/shared/document";
import { applyRun } from "@syncline/shared/operations";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchEntry, MemoryTables, type GivenOperation } from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";

/** One place of the document, given a value. */
interface Edit {
  place: (typeof PLACES)[number];
  value: number;
}

const PLACES = ["/a", "/b", "/o/x", "/o/y", "/items/1", "/items/2"] as const;
const BASE: JsonObject = {
  a: 0,
  b: 0,
  o: { x: 0, y: 0 },
  items: [
    { id: 1, q: 0 },
    { id: 2, q: 0 },
  ],
};

const edit = fc.record({ place: fc.constantFrom(...PLACES), isBack: fc.boolean() });

/**
 * Edits in the order of their times. The device of each is random, and so are the batches. No two edits give a
 * place the same value, because an edit that finds its value there changes none; `d1` alone may restore the first
 * value.
 */
const scenario = fc.record({
  edits: fc
    .array(fc.tuple(fc.constantFrom("d1", "d2", "d3"), edit), { minLength: 2, maxLength: 9 })
    .map((edits) =>
      edits.flatMap(([device, { place, isBack }], index): [string, Edit][] => {
        const before = edits.slice(0, index).findLast(([of, one]) => of === device && one.place === place);
        const isEdited = before !== undefined && !before[1].isBack;
        if (device !== "d1" || !isBack) return [[device, { place, value: index + 1 }]];
        return isEdited ? [[device, { place, value: 0 }]] : [];
      }),
    ),
  /** True for each edit after which a batch ends; `order` is the device that sends first if several could. */
  cuts: fc.array(fc.boolean(), { minLength: 9, maxLength: 9 }),
  order: fc.array(fc.nat(2), { minLength: 9, maxLength: 9 }),
  isPut: fc.boolean(),
  isLastRound: fc.boolean(),
  isGrouped: fc.boolean(),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function patchOf({ place, value }: Edit) {
  const path = place.replace("/items/1", "/items/0/q").replace("/items/2", "/items/1/q");
  return [{ op: "replace" as const, path, value }];
}

/** The document in which every place has the value of its newest edit. */
function newestOf(edits: Scenario["edits"]): JsonObject | null {
  const run = edits.map(([, one], index) => ({
    clientId: `${index}`,
    documentId: "doc-1",
    kind: "update" as const,
    patch: patchOf(one),
  }));
  return applyRun(BASE, run).document;
}

/** The resulting document if each device sends its edits in batches, all from the first version. */
function play({
  edits,
  cuts,
  order,
  isPut,
  isLastRound,
  isGrouped,
}: Scenario): JsonObject | null | undefined {
  const tables = new MemoryTables();
  tables.drain(batchEntry({ device: "d0", operations: [{ kind: "put", data: BASE, timestampMs: 1 }] }));
  const batchesByDevice = new Map<string, GivenOperation[][]>();
  const viewByDevice = new Map<string, JsonObject>();
  edits.forEach(([device, one], index) => {
    const operation = {
      documentId: "doc-1",
      clientId: `${index}`,
      kind: "update" as const,
      patch: patchOf(one),
    };
    const view = applyRun(viewByDevice.get(device) ?? BASE, [operation]).document ?? {};
    viewByDevice.set(device, view);
    const given: GivenOperation = {
      ...(isPut ? { kind: "put", data: view } : operation),
      expectedVersion: 1,
      timestampMs: 100 + index,
    };
    const batches = batchesByDevice.get(device) ?? [[]];
    batchesByDevice.set(device, batches);
    batches.at(-1)?.push(given);
    // A merge whose result is already stored writes no change, so it records no time for a change that was
    // reverted.
    const isTakenBack = edits.slice(index).some(([of, { place, value }]) => {
      return of === device && place === one.place && value === 0;
    });
    if (cuts[index] || isTakenBack) batches.push([]);
  });
  for (let step = 0; batchesByDevice.size > 0; step++) {
    const devices = [...batchesByDevice.keys()];
    const device = devices[(order[step % order.length] ?? 0) % devices.length] ?? "";
    const operations = batchesByDevice.get(device)?.shift();
    if (operations === undefined) {
      batchesByDevice.delete(device);
      continue;
    }
    if (operations.length === 0) continue;
    const atomic = isGrouped && operations.length === 1;
    tables.drain(batchEntry({ device, onConflict: "last-write-wins", atomic, operations }));
    for (const conflict of tables.conflictById.values()) {
      if (conflict.status === "open") tables.drain(resolveConflict(tables, conflict, { isLastRound }));
    }
  }
  return [...tables.documentByKey.values()][0]?.data;
}

describe("last-write-wins", () => {
  it("results in the newest edit of each place, however the edits are batched, folded and merged", () => {
    fc.assert(
      fc.property(scenario, (given) => {
        expect(play(given)).toEqual(newestOf(given.edits));
      }),
      { numRuns: 2000 },
    );
  });
});
