import type { AcceptedOperation, HistoricDocument, JsonObject } from "@syncline/shared";
import { describe, expect, it } from "vitest";
import { mergeConflict, type ConflictCase } from "./merge-conflict.ts";
import type { OpenConflict } from "./open-conflict.ts";

const operation = (more: Partial<AcceptedOperation>): AcceptedOperation => ({
  clientId: "c",
  position: 0,
  kind: "update",
  collection: "documents",
  documentId: "doc",
  fingerprint: "f",
  ...more,
});

function caseOf(given: {
  operations: AcceptedOperation[];
  remote: JsonObject | null;
  historic?: HistoricDocument;
  conflict?: Partial<OpenConflict>;
  remoteTimestampMs?: number;
}): ConflictCase {
  return {
    conflict: {
      workspaceId: "w",
      conflictId: "x",
      collection: "documents",
      documentId: "doc",
      status: "open",
      strategy: "merge",
      round: 1,
      baseVersion: 1,
      ancestor: null,
      deviceView: null,
      operations: given.operations,
      ...given.conflict,
    },
    remote: { version: 2, data: given.remote, timestampMs: given.remoteTimestampMs ?? null },
    historic: given.historic ?? null,
  };
}

const merged = (on: ConflictCase) => mergeConflict(on, { roundsMax: 8 });
const documentOf = (on: ConflictCase) => {
  const { outcome } = merged(on);
  return outcome.kind === "commit" ? outcome.document : "parked";
};
const live = (data: JsonObject) => ({ data, deleted: false });

describe("a conflict's merge", () => {
  it("replays the whole run on what the device started from, and keeps what the other side changed", () => {
    const operations = [operation({ data: { a: 2 } }), operation({ clientId: "d", data: { b: 2 } })];
    const on = caseOf({ operations, historic: live({ a: 1, b: 1, c: 1 }), remote: { a: 1, b: 1, c: 9 } });
    expect(documentOf(on)).toEqual({ a: 2, b: 2, c: 9 });
    expect(merged(on)).toMatchObject({ expectedVersion: 2, operationsCovered: 2, isLastRound: false });
  });

  it("starts from what the device saw, where it went on from an own operation that was still being merged", () => {
    const patch = [{ op: "replace" as const, path: "/items/0", value: "A" }];
    const on = caseOf({
      operations: [operation({ patch })],
      historic: live({ items: ["x"] }),
      remote: { items: ["a", "x"] },
      conflict: { deviceView: { items: ["a", "x"] } },
    });
    expect(documentOf(on)).toEqual({ items: ["A", "x"] });
  });

  it("starts from nothing where the device wrote the document anew after its deletion", () => {
    const on = caseOf({
      operations: [operation({ kind: "put", data: { a: 1, c: 1 } })],
      historic: { data: { a: 1, b: 1 }, deleted: true },
      remote: { a: 1, b: 1 },
    });
    expect(documentOf(on)).toEqual({ a: 1, b: 1, c: 1 });
  });

  it("starts from the deleted document where the device edits it", () => {
    const on = caseOf({
      operations: [operation({ data: { a: 2 } })],
      historic: { data: { a: 1, b: 1 }, deleted: true },
      remote: null,
    });
    expect(documentOf(on)).toEqual({ a: 2, b: 1 });
  });

  it("takes the ancestor that was sent along where history has none, and says so where nobody has", () => {
    const operations = [operation({ data: { a: 2 } })];
    const sent = caseOf({ operations, remote: { a: 1, b: 2 }, conflict: { ancestor: { a: 1, b: 1 } } });
    expect(merged(sent).outcome).toMatchObject({ document: { a: 2, b: 2 }, twoWay: false });
    const unknown = caseOf({ operations, remote: { a: 1, b: 2 } });
    expect(merged(unknown).outcome).toMatchObject({ document: { a: 2, b: 2 }, twoWay: true });
  });

  it("leaves out an operation that is itself at fault, and names it", () => {
    const patch = [{ op: "test" as const, path: "/a", value: 5 }];
    const operations = [operation({ clientId: "bad", patch }), operation({ data: { b: 2 } })];
    const on = caseOf({ operations, historic: live({ a: 1 }), remote: { a: 1, c: 1 } });
    expect(merged(on).outcome).toMatchObject({
      document: { a: 1, b: 2, c: 1 },
      refused: [{ clientId: "bad", errorType: "patch_failed" }],
    });
  });

  it.each([
    ["client-wins", { a: 2 }],
    ["server-wins", { a: 3, b: 3 }],
    ["merge", { a: 2, b: 3 }],
    ["manual", "parked"],
  ] as const)("decides by its strategy: %s", (strategy, expected) => {
    const operations = [operation({ kind: "put", data: { a: 2 } })];
    const on = caseOf({
      operations,
      historic: live({ a: 1 }),
      remote: { a: 3, b: 3 },
      conflict: { strategy },
    });
    expect(documentOf(on)).toEqual(expected);
  });

  it.each([
    [20, 10, { a: 2 }],
    [10, 20, { a: 3 }],
    [10, 10, { a: 3 }],
    [undefined, 10, { a: 3 }],
  ])(
    "lets the newer write win, remote in doubt: %s against %s",
    (timestampMs, remoteTimestampMs, expected) => {
      const on = caseOf({
        operations: [operation({ data: { a: 2 }, ...(timestampMs === undefined ? {} : { timestampMs }) })],
        historic: live({ a: 1 }),
        remote: { a: 3 },
        remoteTimestampMs,
        conflict: { strategy: "last-write-wins" },
      });
      expect(documentOf(on)).toEqual(expected);
    },
  );
});
