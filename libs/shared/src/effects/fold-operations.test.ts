import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonEqual } from "../document/json-equal.ts";
import type { Json, JsonObject } from "../document/json.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import { readText, typeInto } from "../merge/testing/yjs.ts";
import { applyRun } from "../operations/apply-run.ts";
import { YJS_STATES } from "../yjs/yjs-states.ts";
import { foldOperations, type UnsentOperation } from "./fold-operations.ts";
import { applyMergePatch, composeMergePatches } from "../document/merge-patch.ts";

type Given = Partial<UnsentOperation> & Pick<UnsentOperation, "kind">;

const queueOf = (given: readonly Given[]): UnsentOperation[] =>
  given.map((operation, index) => ({
    clientId: `${index}`,
    collection: "documents",
    documentId: "doc",
    ...operation,
  }));
const fold = (...given: Given[]) => foldOperations(queueOf(given));
const contentOf = ({ kind, data, patch }: UnsentOperation) => [kind, data ?? patch ?? null] as const;

const create = (data: JsonObject): Given => ({ kind: "create", data });
const put = (data: JsonObject, more: Partial<Given> = {}): Given => ({ kind: "put", data, ...more });
const update = (data: JsonObject, more: Partial<Given> = {}): Given => ({ kind: "update", data, ...more });
const patch = (...steps: JsonPatchStep[]): Given => ({ kind: "update", patch: steps });
const remove = (more: Partial<Given> = {}): Given => ({ kind: "delete", ...more });
const add = (path: string, value: Json): JsonPatchStep => ({ op: "add", path, value });

describe("operations that fold", () => {
  it.each<[string, Given[], readonly [string, Json]]>([
    ["put over put", [put({ a: 1 }), put({ b: 2 })], ["put", { b: 2 }]],
    ["an update into a put", [put({ a: 1, b: 1 }), update({ a: null, c: 2 })], ["put", { b: 1, c: 2 }]],
    ["a JSON Patch into a put", [put({ a: [1] }), patch(add("/a/0", 0))], ["put", { a: [0, 1] }]],
    ["an update into a create", [create({ a: 1 }), update({ b: 2 })], ["create", { a: 1, b: 2 }]],
    ["a put into a create", [create({ a: 1 }), put({ b: 2 })], ["create", { b: 2 }]],
    [
      "an update into an update",
      [update({ a: 1, b: 1 }), update({ b: null })],
      ["update", { a: 1, b: null }],
    ],
    [
      "updates below one another",
      [update({ a: { x: null } }), update({ a: { y: 1 } })],
      ["update", { a: { x: null, y: 1 } }],
    ],
    [
      "patches that cannot fail",
      [patch(add("/a", 1)), patch(add("/b", { c: 2 }))],
      ["update", [add("/a", 1), add("/b", { c: 2 })]],
    ],
    ["delete over delete", [remove(), remove()], ["delete", null]],
    ["a put after a delete", [remove(), put({ a: 1 })], ["put", { a: 1 }]],
    ["a create after a delete", [remove(), create({ a: 1 })], ["put", { a: 1 }]],
    ["a put after a put and its delete", [create({ a: 1 }), remove(), put({ b: 2 })], ["create", { b: 2 }]],
  ])("%s", (_name, given, content) => {
    const folds = fold(...given);
    expect(folds.map(({ operation }) => contentOf(operation))).toEqual([content]);
    expect(folds[0]?.members).toEqual(queueOf(given));
  });

  it("have the base of the first, the id of the last and the newest time", () => {
    const [folded] = fold(
      update({ a: 0 }, { expectedVersion: 3, ancestor: { a: 0 }, timestampMs: 1 }),
      update({ a: 1, b: 1 }, { expectedVersion: 3, timestampMs: 2 }),
    );
    expect(folded?.operation).toStrictEqual({
      clientId: "1",
      collection: "documents",
      documentId: "doc",
      kind: "update",
      data: { a: 1, b: 1 },
      expectedVersion: 3,
      ancestor: { a: 0 },
      timestampMs: 2,
    });
    expect(fold(put({}), put({}))[0]?.operation).not.toHaveProperty("timestampMs");
  });
});

describe("operations that stay apart", () => {
  it.each<[string, Given[]]>([
    ["a create and its delete, which leave a tombstone", [create({}), remove()]],
    ["a put and its delete, which leave one too", [put({}), remove()]],
    ["a second create, which is a conflict", [create({}), create({})]],
    ["an update after a delete, which is a conflict, too", [remove(), update({})]],
    ["a put after an update, which may find no document", [update({}), put({})]],
    ["a delete after an update, for the same reason", [update({}), remove()]],
    ["an object in the place of a removed one", [update({ a: null }), update({ a: { b: 1 } })]],
    ["an object in the place of a scalar", [update({ a: 1 }), update({ a: { b: 1 } })]],
    ["a patch that fails, whose error is its own", [put({ a: 1 }), patch({ op: "remove", path: "/b" })]],
    ["a patch that renames the document", [put({ a: 1 }), patch(add("/id", "another"))]],
    ["patches of which one may fail", [patch(add("/a", 1)), patch({ op: "remove", path: "/b" })]],
    ["patches of members that may be absent", [patch(add("/a", 1)), patch(add("/b/c", 1))]],
    ["a patch and a merge patch", [patch(add("/a", 1)), update({ b: 1 })]],
    ["two documents", [put({}), put({}, { documentId: "other" })]],
    ["two collections", [put({}), put({}, { collection: "others" })]],
    ["a group's edge", [put({}), put({}, { group: "g" })]],
    ["a group's operations, which are merged one by one", [put({}, { group: "g" }), put({}, { group: "g" })]],
    ["operations with another one in between", [put({}), put({}, { documentId: "other" }), put({})]],
    ["two bases", [put({}, { expectedVersion: 1 }), put({}, { expectedVersion: 2 })]],
    ["a base that the first did not name", [put({}), put({}, { expectedVersion: 1 })]],
    [
      "an absence that is named twice, because the first write ends it",
      [put({}, { expectedVersion: 0 }), put({}, { expectedVersion: 0 })],
    ],
    [
      "a put after a delete that names a version, because a tombstone may have another",
      [remove({ expectedVersion: 1 }), put({}, { expectedVersion: 1 })],
    ],
  ])("%s", (_name, given) => {
    expect(fold(...given).map(({ operation }) => operation)).toEqual(queueOf(given));
  });
});

const KEYS = ["a", "b", "__proto__", "toString"];
const scalar = fc.constantFrom<Json>(0, 1, "text", true);
const { value, object } = fc.letrec<{ value: Json; object: JsonObject }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    scalar,
    tie("object"),
    fc.array(scalar, { maxLength: 2 }),
  ),
  object: fc
    .uniqueArray(fc.tuple(fc.constantFrom(...KEYS), tie("value")), { maxLength: 3, selector: ([key]) => key })
    .map((entries) => Object.fromEntries(entries)),
}));

const pointer = fc.constantFrom("/a", "/b", "/a/b", "/b/0", "/b/-", "/id", "");
const step: fc.Arbitrary<JsonPatchStep> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant("add"), path: pointer, value }) },
  fc.record({ op: fc.constantFrom("replace", "test"), path: pointer, value }),
  fc.record({ op: fc.constant("remove"), path: pointer }),
  fc.record({ op: fc.constantFrom("move", "copy"), from: pointer, path: pointer }),
);
const given: fc.Arbitrary<Given> = fc
  .record({
    content: fc.oneof(
      object.map(create),
      object.map((data) => put(data)),
      { weight: 4, arbitrary: object.map((data) => update(data)) },
      { weight: 4, arbitrary: fc.array(step, { maxLength: 2 }).map((steps) => patch(...steps)) },
      fc.constant(remove()),
    ),
    documentId: fc.oneof(
      { weight: 9, arbitrary: fc.constant("doc") },
      { weight: 1, arbitrary: fc.constant("other") },
    ),
  })
  .map(({ content, documentId }) => ({ ...content, documentId }));

describe("a fold", () => {
  it("has the same result as its members one by one, and fails if they do", () => {
    const seen = new Map<string, number>();
    const count = (name: string): unknown => seen.set(name, (seen.get(name) ?? 0) + 1);
    fc.assert(
      fc.property(fc.option(object), fc.array(given, { minLength: 2, maxLength: 8 }), (base, operations) => {
        const queue = queueOf(operations);
        const before = JSON.stringify([base, queue]);
        const folds = foldOperations(queue);
        expect(folds.flatMap(({ members }) => members)).toEqual(queue);
        for (const documentId of ["doc", "other"]) {
          const isOfDocument = (operation: UnsentOperation) => operation.documentId === documentId;
          const oneByOne = applyRun(base, queue.filter(isOfDocument));
          const folded = applyRun(base, folds.map(({ operation }) => operation).filter(isOfDocument));
          expect(jsonEqual(folded.document, oneByOne.document)).toBe(true);
          expect(folded.refused).toEqual(oneByOne.refused);
          if (oneByOne.refused.length > 0) count("refused");
        }
        for (const { members } of folds) {
          if (members.length > 1) count(members.slice(0, 2).map(kindOf).join(" + "));
        }
        expect(JSON.stringify([base, queue])).toBe(before);
      }),
      { numRuns: 3000 },
    );
    for (const [name, min] of Object.entries(FOLDS_MET)) {
      expect(seen.get(name) ?? 0, name).toBeGreaterThanOrEqual(min);
    }
    expect(["polluted", "a", "b"].filter((key) => key in {})).toEqual([]);
  });
});

describe("operations of different times", () => {
  it.each<[string, Given, Given]>([
    [
      "a merge patch that changes the same again",
      update({ a: 1, b: { c: 1 } }),
      update({ a: 2, b: { c: 2 } }),
    ],
    ["a merge patch that replaces the first one's value", update({ a: { b: 1 } }), update({ a: null })],
    ["a JSON Patch that changes the same again", patch(add("/a", 1)), patch(add("/a", 2))],
    ["a put after a delete", remove(), put({ a: 1 })],
  ])("fold into %s, with the newer of the two times", (_, first, next) => {
    for (const [firstMs, nextMs] of [
      [1, 2],
      [2, 1],
      [2, undefined],
    ]) {
      const timed = [
        { ...first, timestampMs: firstMs ?? 0 },
        { ...next, ...(nextMs !== undefined && { timestampMs: nextMs }) },
      ];
      expect(fold(...timed).map(({ operation }) => operation.timestampMs)).toEqual([2]);
    }
  });

  it.each<[string, Given, Given]>([
    ["a merge patch beside", update({ a: 1 }), update({ b: 1 })],
    ["a merge patch beside, further down", update({ a: { b: 1 } }), update({ a: { c: 1 } })],
    ["a JSON Patch beside", patch(add("/a", 1)), patch(add("/b", 1))],
    ["an update after a put", put({ a: 1 }), update({ a: 2 })],
    ["a put after a put", put({ a: 1 }), put({ a: 2 })],
    ["a merge patch that leaves a value", update({ a: 1, b: 1 }), update({ a: 1, b: 2 })],
    ["a merge patch that leaves a value, further down", update({ a: { b: 1 } }), update({ a: { b: 1 } })],
    ["a merge patch that may leave an item", update({ a: [1, 2] }), update({ a: [1, 3] })],
    ["a JSON Patch that leaves a value", patch(add("/a", 1)), patch(add("/a", 1))],
    ["a JSON Patch that leaves a member", patch(add("/a", { b: 1 })), patch(add("/a", { b: 1, c: 1 }))],
  ])("stay apart: %s", (_, first, next) => {
    expect(fold({ ...first, timestampMs: 1 }, { ...next, timestampMs: 2 })).toHaveLength(2);
    expect(fold({ ...first, timestampMs: 1 }, { ...next, timestampMs: 1 })).toHaveLength(1);
  });
});

describe("Yjs states", () => {
  const policies = { default: { rules: [{ path: "/s", is: "yjs" }] } } as const;
  const [mine, more] = [typeInto(undefined, 1, "Mine"), typeInto(undefined, 2, "More")];
  const foldStates = (...given: Given[]) => foldOperations(queueOf(given), policies, YJS_STATES);

  it.each<[string, Given, Given]>([
    ["puts", put({ s: mine }), put({ s: more })],
    ["a put and an update", put({ s: mine }), update({ s: more })],
    ["updates", update({ s: mine }), update({ s: more })],
    ["updates under the Yjs key", update({ yjs_state_b64: mine }), update({ yjs_state_b64: more })],
  ])("of %s are both in their fold", (_, first, next) => {
    const [folded, ...rest] = foldStates(first, next);
    expect(rest).toEqual([]);
    const { s, yjs_state_b64 = s } = folded?.operation.data ?? {};
    expect(readText(yjs_state_b64)).toMatch(/^(MineMore|MoreMine)$/);
  });

  it.each<[string, Given, Given]>([
    ["after a removal", update({ s: null }), update({ s: mine })],
    ["after another value", update({ s: 1 }), update({ s: mine })],
    ["after no state", put({ s: "none" }), put({ s: mine })],
    ["after a put without one", put({ a: 1 }), update({ s: mine })],
    ["after a deletion", remove(), put({ s: mine })],
    ["at a place that the same patch would write twice", patch(add("/s", mine)), patch(add("/s", more))],
  ])("that start anew stay apart: %s", (_, first, next) => {
    expect(foldStates(first, next)).toHaveLength(2);
  });

  it("stay apart without Yjs", () => {
    const [first, next] = [{ yjs_state_b64: mine }, { yjs_state_b64: more }];
    expect(fold(put(first), put(next))).toHaveLength(2);
    expect(fold(put(first), update(next))).toHaveLength(2);
    expect(fold(update(first), update(next))).toHaveLength(2);
  });

  it("are ordinary values without a policy", () => {
    expect(fold(put({ s: mine }), put({ s: more }))[0]?.operation.data).toEqual({ s: more });
  });
});

const kindOf = ({ kind, patch }: UnsentOperation): string => (patch === undefined ? kind : "patch");

/** The least number of folds of each kind that makes the test meaningful. */
const FOLDS_MET: Record<string, number> = {
  refused: 500,
  "put + put": 20,
  "put + update": 50,
  "put + patch": 50,
  "create + put": 20,
  "create + update": 50,
  "create + patch": 50,
  "update + update": 200,
  "patch + patch": 50,
  "delete + delete": 20,
  "delete + put": 20,
  "delete + create": 20,
};

describe("a composed merge patch", () => {
  it("has the same effect on any object as its two patches in turn", () => {
    let composed = 0;
    fc.assert(
      fc.property(object, object, object, (target, first, next) => {
        const both = composeMergePatches(first, next);
        if (both === undefined) return;
        composed += 1;
        const oneByOne = applyMergePatch(applyMergePatch(target, first), next);
        expect(jsonEqual(applyMergePatch(target, both), oneByOne)).toBe(true);
      }),
      { numRuns: 3000 },
    );
    expect(composed).toBeGreaterThan(1000);
  });
});
