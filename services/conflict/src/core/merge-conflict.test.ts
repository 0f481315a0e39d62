import type { JsonObject } from "@syncline/shared/document";
import type { CollectionPolicy, ResolveAnswer, ResolveCase } from "@syncline/shared/merge";
import type { HistoricDocument } from "@syncline/shared/operations";
import type { AcceptedOperation, Resolution } from "@syncline/shared/protocol";
import { describe, expect, it } from "vitest";
import { mergeConflict, type ConflictCase, type HookReport } from "./merge-conflict.ts";
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
  /** Documents from version 2 on. */
  later?: JsonObject[];
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
    history: {
      changes: [
        ...(given.historic ? [{ ...given.historic, version: 1 }] : []),
        ...(given.later ?? []).map((data, index) => ({ data, deleted: false, version: index + 2 })),
      ].map((change) => ({ ...change, firstVersion: change.version, timestampMs: null, own: false })),
      lastOwnVersion: 0,
    },
  };
}

/** Merges with a hook that gives these answers one after the other. */
function mergeAsking(on: ConflictCase, policy: CollectionPolicy, reports: HookReport[]) {
  const asked: ResolveCase[] = [];
  const merging = mergeConflict(on, { roundsMax: 8, policy, hasHook: policy.resolve !== undefined });
  let next = merging.next();
  while (!next.done) {
    asked.push(next.value);
    next = merging.next(reports[asked.length - 1] ?? { kind: "answered", answer: undefined });
  }
  return { resolution: next.value, asked };
}
const merged = (on: ConflictCase): Resolution => mergeAsking(on, {}, []).resolution;
const documentOf = (on: ConflictCase) => {
  const { outcome } = merged(on);
  return outcome.kind === "commit" ? outcome.document : "parked";
};
const live = (data: JsonObject) => ({ data, deleted: false });

describe("a conflict's merge", () => {
  it("replays the whole run on the device's ancestor, and keeps the other side's changes", () => {
    const operations = [operation({ data: { a: 2 } }), operation({ clientId: "d", data: { b: 2 } })];
    const on = caseOf({ operations, historic: live({ a: 1, b: 1, c: 1 }), remote: { a: 1, b: 1, c: 9 } });
    expect(documentOf(on)).toEqual({ a: 2, b: 2, c: 9 });
    expect(merged(on)).toMatchObject({ expectedVersion: 2, operationsCovered: 2, isLastRound: false });
  });

  it("starts from the device's view if the device continued from an own operation that was still being merged", () => {
    const patch = [{ op: "replace" as const, path: "/items/0", value: "A" }];
    const on = caseOf({
      operations: [operation({ patch })],
      historic: live({ items: ["x"] }),
      remote: { items: ["a", "x"] },
      conflict: { deviceView: { items: ["a", "x"] } },
    });
    expect(documentOf(on)).toEqual({ items: ["A", "x"] });
  });

  it("starts from an empty ancestor if the device wrote the document anew after its deletion", () => {
    const on = caseOf({
      operations: [operation({ kind: "put", data: { a: 1, c: 1 } })],
      historic: { data: { a: 1, b: 1 }, deleted: true },
      remote: { a: 1, b: 1 },
    });
    expect(documentOf(on)).toEqual({ a: 1, b: 1, c: 1 });
  });

  it("starts from the deleted document if the device edits it", () => {
    const on = caseOf({
      operations: [operation({ data: { a: 2 } })],
      historic: { data: { a: 1, b: 1 }, deleted: true },
      remote: null,
    });
    expect(documentOf(on)).toEqual({ a: 2, b: 1 });
  });

  it("uses the ancestor sent along if history has none, and reports a two-way merge if there is none at all", () => {
    const operations = [operation({ data: { a: 2 } })];
    const sent = caseOf({ operations, remote: { a: 1, b: 2 }, conflict: { ancestor: { a: 1, b: 1 } } });
    expect(merged(sent).outcome).toMatchObject({ document: { a: 2, b: 2 }, twoWay: false });
    const unknown = caseOf({ operations, remote: { a: 1, b: 2 } });
    expect(merged(unknown).outcome).toMatchObject({ document: { a: 2, b: 2 }, twoWay: true });
  });

  it("leaves out a failing operation, and names it", () => {
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
    "lets the newer write win, and remote if in doubt: %s against %s",
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
  const unasked = (found: ConflictCase) => mergeAsking(found, {}, []).resolution;
  const ask = (found: ConflictCase, ...answers: ResolveAnswer[]) =>
    mergeAsking(
      found,
      policy,
      answers.map((answer) => ({ kind: "answered", answer })),
    );
  const decided = (answer: ResolveAnswer) => ask(on(), answer).resolution;

  it("gets the three documents, the strategy's outcome, and the context", () => {
    expect(ask(on()).asked).toEqual([
      {
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
      },
    ]);
  });

  it("gets the strategy's proposal to a person", () => {
    expect(ask(on({ strategy: "manual" })).asked).toMatchObject([{ merged: { a: 2 } }]);
  });

  it.each([
    ["if the batch named a strategy", on({ hook: null }), policy, undefined],
    ["in the last round", on({ round: 8 }), policy, "skipped"],
    ["if the policy no longer has one", on(), {}, "skipped"],
  ])("is not asked %s", (_, found, ofCollection, hook) => {
    const { resolution, asked } = mergeAsking(found, ofCollection, []);
    expect(asked).toEqual([]);
    expect(resolution.hook).toBe(hook);
  });

  it("decides with a document, and a failing operation still fails", () => {
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
    expect(decided(undefined)).toEqual({ ...unasked(on()), hook: "deferred" });
  });

  it("asks a person, with the strategy's outcome as the proposal", () => {
    expect(decided({ ask: "which?" })).toMatchObject({
      hook: "asked",
      outcome: { kind: "park", reason: "which?", proposed: { a: 2 }, overlaps: [{ path: "/a" }] },
    });
  });

  it("that failed changes nothing", () => {
    const { resolution } = mergeAsking(on(), policy, [{ kind: "failed" }]);
    expect(resolution).toEqual({ ...unasked(on()), hook: "failed" });
  });

  describe("of a run that rises", () => {
    /** Another device wrote `a` in version 2, which this device received before its second operation, and `b` since. */
    const rising = () =>
      caseOf({
        operations: [
          operation({ data: { a: 2 }, expectedVersion: 1 }),
          operation({ clientId: "d", data: { b: 2, c: 2 }, expectedVersion: 2 }),
        ],
        historic: live({ a: 1, b: 1, c: 1 }),
        later: [{ a: 3, b: 1, c: 1 }],
        remote: { a: 3, b: 3, c: 1 },
        conflict: { hook: "due" },
      });

    it("is asked about each merge, with the documents that the device had seen by then", () => {
      const { asked, resolution } = ask(rising(), { document: { a: 5, b: 1, c: 1 } });
      expect(asked).toMatchObject([
        { ancestor: { a: 1 }, remote: { a: 3, b: 1 }, local: { a: 2, b: 1 }, merged: { a: 2 } },
        { ancestor: { a: 3, b: 1 }, remote: { a: 3, b: 3 }, local: { a: 5, b: 2, c: 2 } },
      ]);
      expect(resolution).toMatchObject({ hook: "deferred", outcome: { document: { a: 5, b: 2, c: 2 } } });
    });

    it("that asks a person about a rise parks it, with later operations in the proposal, and is not asked again", () => {
      const { asked, resolution } = ask(rising(), { ask: "which a?" });
      expect(asked).toHaveLength(1);
      expect(resolution).toMatchObject({
        hook: "asked",
        outcome: {
          kind: "park",
          reason: "which a?",
          proposed: { a: 2, b: 2, c: 2 },
          overlaps: [{ path: "/a", version: 2, undecided: true }, { path: "/b" }],
        },
      });
    });

    it("that fails on a rise leaves the whole merge to the strategy", () => {
      const { asked, resolution } = mergeAsking(rising(), policy, [{ kind: "failed" }]);
      expect(asked).toHaveLength(1);
      expect(resolution).toMatchObject({ hook: "failed", outcome: { document: { a: 2, b: 2, c: 2 } } });
    });

    it("keeps its decision on a rise if it decides the last merge, too", () => {
      const { resolution } = ask(rising(), { use: "server-wins" }, { document: { done: true } });
      expect(resolution).toMatchObject({
        hook: "resolved",
        inputs: { local: { a: 3, b: 2, c: 2 } },
        outcome: { document: { done: true } },
      });
    });
  });
});
