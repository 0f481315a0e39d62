import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OperationKind } from "./operation-kind.ts";
import { orderOperations } from "./order-operations.ts";

interface Placed {
  kind: OperationKind;
  collection: string;
  documentId: string;
  group?: string;
  name: string;
}

/** Parses an operation written as `kind document`, with an optional group: `delete a g1`. */
function operation(text: string): Placed {
  const [kind = "", documentId = "", group] = text.split(" ");
  const placed = { kind: kind as OperationKind, collection: "documents", documentId, name: text };
  return group === undefined ? placed : { ...placed, group };
}

function order(...texts: string[]): string[] {
  return orderOperations(texts.map(operation)).map(({ name }) => name);
}

const placed = fc.record(
  {
    kind: fc.constantFrom<OperationKind>("create", "put", "update", "delete", "delete"),
    collection: fc.constantFrom("documents", "games"),
    documentId: fc.constantFrom("a", "b", "c", "d", "e"),
    group: fc.constantFrom("g1", "g2"),
    name: fc.uuid(),
  },
  { requiredKeys: ["kind", "collection", "documentId", "name"] },
);
const batch = fc.array(placed, { maxLength: 20 });
const ungrouped = fc.array(
  placed.map(({ group: _, ...rest }) => rest),
  { maxLength: 20 },
);
const documentOf = ({ collection, documentId }: Placed): string => `${collection}/${documentId}`;

describe("the order of a batch", () => {
  it("puts a delete at the end, so that children go before their parents do", () => {
    expect(order("delete parent", "update child", "create other")).toEqual([
      "update child",
      "create other",
      "delete parent",
    ]);
  });

  it("keeps the order of several deletes", () => {
    expect(order("delete a", "create c", "delete b")).toEqual(["create c", "delete a", "delete b"]);
  });

  it("leaves a delete in its place if a later operation names its document", () => {
    expect(order("delete a", "create a", "update b")).toEqual(["delete a", "create a", "update b"]);
  });

  it("moves only the last of several deletes of a document", () => {
    expect(order("delete a", "update b", "delete a", "update c")).toEqual([
      "delete a",
      "update b",
      "update c",
      "delete a",
    ]);
  });

  it("does not confuse the document with one of the same id in another collection", () => {
    const games = { ...operation("update a"), collection: "games" };
    const ordered = orderOperations([operation("delete a"), games]);
    expect(ordered.map(({ name }) => name)).toEqual(["update a", "delete a"]);
  });

  it("brings a group together at its first member", () => {
    expect(order("update a g1", "update b", "update c g1", "update d")).toEqual([
      "update a g1",
      "update c g1",
      "update b",
      "update d",
    ]);
  });

  it("puts a delete at the end of its group, not out of it", () => {
    expect(order("delete a g1", "update b g1", "update c")).toEqual([
      "update b g1",
      "delete a g1",
      "update c",
    ]);
  });

  it("neither loses nor adds an operation", () => {
    fc.assert(
      fc.property(batch, (operations) => {
        const ordered = orderOperations(operations);
        expect(ordered).toHaveLength(operations.length);
        expect(new Set(ordered)).toEqual(new Set(operations));
      }),
    );
  });

  it("keeps the order of all other operations", () => {
    fc.assert(
      fc.property(ungrouped, (operations) => {
        const rest = (list: readonly Placed[]) => list.filter(({ kind }) => kind !== "delete");
        expect(rest(orderOperations(operations))).toEqual(rest(operations));
      }),
    );
  });

  it("never lets one write to a document overtake another", () => {
    fc.assert(
      fc.property(ungrouped, fc.constantFrom("a", "b", "c"), (operations, documentId) => {
        const ofOne = (list: readonly Placed[]) =>
          list.filter((each) => documentOf(each) === `documents/${documentId}`);
        expect(ofOne(orderOperations(operations))).toEqual(ofOne(operations));
      }),
    );
  });

  it("leaves no foreign operation between two of a group", () => {
    fc.assert(
      fc.property(batch, (operations) => {
        const groups = orderOperations(operations).map(({ group }) => group);
        for (const group of ["g1", "g2"] as const) {
          const first = groups.indexOf(group);
          const members = groups.filter((each) => each === group).length;
          if (first >= 0) expect(groups.lastIndexOf(group)).toBe(first + members - 1);
        }
      }),
    );
  });

  it("is the same when it is ordered again", () => {
    fc.assert(
      fc.property(ungrouped, (operations) => {
        const ordered = orderOperations(operations);
        expect(orderOperations(ordered)).toEqual(ordered);
      }),
    );
  });
});
