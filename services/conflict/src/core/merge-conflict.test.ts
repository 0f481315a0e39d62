import type {
  AcceptedOperation,
  CollectionPolicy,
  HistoricDocument,
  JsonObject,
  ResolveAnswer,
} from "@syncline/shared";
import { describe, expect, it } from "vitest";
import { caseForHook, decideByHook, mergeConflict, type ConflictCase } from "./merge-conflict.ts";
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
      deviceId: "dev",
      hook: null,
      round: 1,
      currentVersion: 2,
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

const merged = (on: ConflictCase) => mergeConflict(on, { roundsMax: 8, policy: {} });
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

describe("a conflict's hook", () => {
  const policy: CollectionPolicy = { resolve: () => undefined };
  const patch = [{ op: "test" as const, path: "/a", value: 5 }];
  const on = (conflict: Partial<OpenConflict> = {}) =>
    caseOf({
      operations: [operation({ clientId: "bad", patch }), operation({ data: { a: 2 } })],
      historic: live({ a: 1 }),
      remote: { a: 3 },
      conflict: { hook: "due", ...conflict },
    });
  const mergedOn = (found: ConflictCase) => mergeConflict(found, { roundsMax: 8, policy });
  const decided = (answer: ResolveAnswer) =>
    decideByHook(on(), mergedOn(on()), { kind: "answered", answer }, policy);

  it("is given the three documents, what the strategy came to, and what else there is to know", () => {
    expect(caseForHook(on(), mergedOn(on()), policy)).toEqual({
      ancestor: { a: 1 },
      remote: { a: 3 },
      local: { a: 2 },
      merged: { a: 2 },
      context: {
        workspaceId: "w",
        collection: "documents",
        documentId: "doc",
        conflictId: "x",
        deviceId: "dev",
        round: 1,
        strategy: "merge",
      },
    });
  });

  it("is given what the strategy would propose to a person", () => {
    const manual = on({ strategy: "manual" });
    expect(mergedOn(manual).outcome.kind).toBe("park");
    expect(caseForHook(manual, mergedOn(manual), policy)).toMatchObject({ merged: { a: 2 } });
  });

  it.each([
    ["where the batch named a strategy", on({ hook: null }), policy, undefined],
    ["in the last round", on({ round: 8 }), policy, "skipped"],
    ["where the policy has none any more", on(), {}, "skipped"],
  ])("is not asked %s", (_, found, ofCollection, hook) => {
    const resolution = mergedOn(found);
    expect(caseForHook(found, resolution, ofCollection)).toBeNull();
    expect(resolution.hook).toBe(hook);
  });

  it("decides with a document, and an operation that is itself at fault stays so", () => {
    expect(decided({ document: { a: 9 } })).toMatchObject({
      hook: "resolved",
      outcome: { kind: "commit", document: { a: 9 }, overlaps: [], refused: [{ clientId: "bad" }] },
    });
    expect(decided({ document: null }).outcome).toMatchObject({ kind: "commit", document: null });
  });

  it("defers to a strategy, or to the policy's own", () => {
    expect(decided({ use: "server-wins" })).toMatchObject({
      hook: "deferred",
      strategy: "server-wins",
      outcome: { document: { a: 3 }, refused: [{ clientId: "bad" }] },
    });
    expect(decided({ use: "manual" }).outcome.kind).toBe("park");
    expect(decided(undefined)).toEqual({ ...mergedOn(on()), hook: "deferred" });
  });

  it("asks a person, with what the strategy came to as the proposal", () => {
    expect(decided({ ask: "which?" })).toMatchObject({
      hook: "asked",
      outcome: { kind: "park", reason: "which?", proposed: { a: 2 }, overlaps: [{ path: "/a" }] },
    });
  });

  it("that failed changes nothing", () => {
    const resolution = decideByHook(on(), mergedOn(on()), { kind: "failed" }, policy);
    expect(resolution).toEqual({ ...mergedOn(on()), hook: "failed" });
  });
});
