import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../document/json.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import { jsonEqual } from "../document/json-equal.ts";
import type { OperationEffect } from "../effects/apply-effect.ts";
import { applyOperation } from "./apply-operation.ts";

function patched(document: JsonObject | null, ...patch: JsonPatchStep[]) {
  return applyOperation(document, { kind: "update", documentId: "doc", patch });
}

function nest(levels: number): JsonObject {
  let document: JsonObject = {};
  for (let level = 1; level < levels; level++) document = { a: document };
  return document;
}

describe("an operation", () => {
  it("that creates or puts replaces the whole document", () => {
    for (const kind of ["create", "put"] as const) {
      expect(applyOperation({ old: 1 }, { kind, documentId: "doc", data: { title: "new" } })).toStrictEqual({
        ok: true,
        document: { title: "new" },
      });
    }
  });

  it("that deletes leaves no document, whether or not there was one", () => {
    expect(applyOperation({ a: 1 }, { kind: "delete", documentId: "doc" })).toStrictEqual({
      ok: true,
      document: null,
    });
    expect(applyOperation(null, { kind: "delete", documentId: "doc" })).toStrictEqual({
      ok: true,
      document: null,
    });
  });

  it("that updates merges its data into the document", () => {
    const applied = applyOperation(
      { a: 1, b: { c: 1, d: 2 } },
      { kind: "update", documentId: "doc", data: { b: { c: null } } },
    );
    expect(applied).toStrictEqual({ ok: true, document: { a: 1, b: { d: 2 } } });
  });

  it("that updates starts from an empty object if there is no document", () => {
    expect(applyOperation(null, { kind: "update", documentId: "doc", data: { a: 1 } })).toStrictEqual({
      ok: true,
      document: { a: 1 },
    });
    expect(patched(null, { op: "add", path: "/a", value: 1 })).toStrictEqual({
      ok: true,
      document: { a: 1 },
    });
  });
});

describe("an operation that makes a document too large", () => {
  const tooLarge = { ok: false, errorType: "document_too_large", message: expect.any(String) };
  const half = "x".repeat(600_000);

  it.each<[string, JsonObject | null, Omit<OperationEffect, "documentId">]>([
    ["a create", null, { kind: "create", data: { a: half, b: half } }],
    ["a put", { a: 1 }, { kind: "put", data: { a: half, b: half } }],
    ["a merge patch", { a: half }, { kind: "update", data: { b: half } }],
    ["a JSON Patch", { a: half }, { kind: "update", patch: [{ op: "copy", from: "/a", path: "/b" }] }],
    [
      "one that leaves its size as it is",
      { a: half, b: half },
      { kind: "update", data: { b: "x".repeat(500_000) } },
    ],
    ["one of many small values", { a: zeros(40_000) }, { kind: "update", data: { b: zeros(10_000) } }],
  ])("is at fault: %s", (_name, document, operation) => {
    expect(applyOperation(document, { ...operation, documentId: "doc" })).toStrictEqual(tooLarge);
  });

  it("passes if it makes a large document smaller, or deletes it", () => {
    const large = { a: half, b: half };
    for (const operation of [
      { kind: "delete" },
      { kind: "put", data: { a: half } },
      { kind: "update", data: { b: null } },
    ] as const) {
      expect(applyOperation(large, { ...operation, documentId: "doc" }).ok).toBe(true);
    }
  });
});

function zeros(count: number): number[] {
  return Array.from({ length: count }, () => 0);
}

/** RFC 6902, appendix A. A.11 concerns the schema, A.13 a document that is not JSON. */
const APPENDIX_A: readonly {
  name: string;
  document: JsonObject;
  patch: JsonPatchStep[];
  result: JsonObject | null;
}[] = [
  {
    name: "A.1 adds an object member",
    document: { foo: "bar" },
    patch: [{ op: "add", path: "/baz", value: "qux" }],
    result: { baz: "qux", foo: "bar" },
  },
  {
    name: "A.2 adds an array element",
    document: { foo: ["bar", "baz"] },
    patch: [{ op: "add", path: "/foo/1", value: "qux" }],
    result: { foo: ["bar", "qux", "baz"] },
  },
  {
    name: "A.3 removes an object member",
    document: { baz: "qux", foo: "bar" },
    patch: [{ op: "remove", path: "/baz" }],
    result: { foo: "bar" },
  },
  {
    name: "A.4 removes an array element",
    document: { foo: ["bar", "qux", "baz"] },
    patch: [{ op: "remove", path: "/foo/1" }],
    result: { foo: ["bar", "baz"] },
  },
  {
    name: "A.5 replaces a value",
    document: { baz: "qux", foo: "bar" },
    patch: [{ op: "replace", path: "/baz", value: "boo" }],
    result: { baz: "boo", foo: "bar" },
  },
  {
    name: "A.6 moves a value",
    document: { foo: { bar: "baz", waldo: "fred" }, qux: { corge: "grault" } },
    patch: [{ op: "move", from: "/foo/waldo", path: "/qux/thud" }],
    result: { foo: { bar: "baz" }, qux: { corge: "grault", thud: "fred" } },
  },
  {
    name: "A.7 moves an array element",
    document: { foo: ["all", "grass", "cows", "eat"] },
    patch: [{ op: "move", from: "/foo/1", path: "/foo/3" }],
    result: { foo: ["all", "cows", "eat", "grass"] },
  },
  {
    name: "A.8 tests values and finds them",
    document: { baz: "qux", foo: ["a", 2, "c"] },
    patch: [
      { op: "test", path: "/baz", value: "qux" },
      { op: "test", path: "/foo/1", value: 2 },
    ],
    result: { baz: "qux", foo: ["a", 2, "c"] },
  },
  {
    name: "A.9 tests a value and finds another one",
    document: { baz: "qux" },
    patch: [{ op: "test", path: "/baz", value: "bar" }],
    result: null,
  },
  {
    name: "A.10 adds a nested object",
    document: { foo: "bar" },
    patch: [{ op: "add", path: "/child", value: { grandchild: {} } }],
    result: { foo: "bar", child: { grandchild: {} } },
  },
  {
    name: "A.12 cannot add to a target that does not exist",
    document: { foo: "bar" },
    patch: [{ op: "add", path: "/baz/bat", value: "qux" }],
    result: null,
  },
  {
    name: "A.14 orders escapes: ~01 is ~1",
    document: { "/": 9, "~1": 10 },
    patch: [{ op: "test", path: "/~01", value: 10 }],
    result: { "/": 9, "~1": 10 },
  },
  {
    name: "A.15 distinguishes strings from numbers",
    document: { "/": 9, "~1": 10 },
    patch: [{ op: "test", path: "/~01", value: "10" }],
    result: null,
  },
  {
    name: "A.16 adds an array as an element",
    document: { foo: ["bar"] },
    patch: [{ op: "add", path: "/foo/-", value: ["abc", "def"] }],
    result: { foo: ["bar", ["abc", "def"]] },
  },
];

describe("a JSON Patch", () => {
  it.each(APPENDIX_A)("follows RFC 6902: $name", ({ document, patch, result }) => {
    const applied = patched(document, ...patch);
    if (result === null) expect(applied).toMatchObject({ ok: false, errorType: "patch_failed" });
    else expect(applied).toStrictEqual({ ok: true, document: result });
  });

  it("names the failing step, and not the value that it met", () => {
    const applied = patched(
      { secret: "sesame" },
      { op: "add", path: "/a", value: 1 },
      { op: "test", path: "/secret", value: "guess" },
    );
    expect(applied).toMatchObject({ ok: false, message: expect.stringContaining("step 1 (test)") });
    expect(JSON.stringify(applied)).not.toMatch(/sesame|guess/);
  });

  it("cuts a long path between characters, because Postgres would refuse half of one", () => {
    const applied = patched({}, { op: "remove", path: `/${"a".repeat(198)}😀bbb` });
    const message = `patch step 0 (remove): there is no value at "/${"a".repeat(198)}…"`;
    expect(applied).toMatchObject({ errorType: "patch_failed", message });
  });

  it("replaces the whole document by an object only", () => {
    expect(patched({ a: 1 }, { op: "replace", path: "", value: { b: 2 } })).toStrictEqual({
      ok: true,
      document: { b: 2 },
    });
    for (const value of [[], "text", 1, null]) {
      expect(patched({ a: 1 }, { op: "add", path: "", value })).toMatchObject({ ok: false });
    }
    expect(patched({ a: 1 }, { op: "remove", path: "" })).toMatchObject({ ok: false });
  });

  it("copies a value so that a later step changes one of the two", () => {
    const applied = patched(
      { a: { n: 1 } },
      { op: "copy", from: "/a", path: "/b" },
      { op: "replace", path: "/b/n", value: 2 },
    );
    expect(applied).toStrictEqual({ ok: true, document: { a: { n: 1 }, b: { n: 2 } } });
  });

  it("changes neither the document nor the patch", () => {
    const document = { list: [1] };
    const patch: JsonPatchStep[] = [
      { op: "add", path: "/new", value: { n: 1 } },
      { op: "add", path: "/new/m", value: 2 },
      { op: "remove", path: "/list/0" },
    ];
    const before = JSON.stringify([document, patch]);
    expect(patched(document, ...patch)).toMatchObject({ ok: true });
    expect(JSON.stringify([document, patch])).toBe(before);
  });

  it.each<[string, JsonObject, JsonPatchStep]>([
    ["adds past an array's end", { a: [1] }, { op: "add", path: "/a/2", value: 0 }],
    ["copies past an array's end", { a: [1] }, { op: "copy", from: "/a/0", path: "/a/9" }],
    ["removes past an array's end", { a: [1] }, { op: "remove", path: "/a/1" }],
    ["removes at -", { a: [1] }, { op: "remove", path: "/a/-" }],
    ["spells an index with a leading zero", { a: [1, 2] }, { op: "replace", path: "/a/01", value: 0 }],
    ["spells a negative index", { a: [1] }, { op: "replace", path: "/a/-1", value: 0 }],
    ["names an array's length", { a: [1] }, { op: "replace", path: "/a/length", value: 0 }],
    ["removes an absent value", { a: 1 }, { op: "remove", path: "/b" }],
    ["replaces an absent value", { a: 1 }, { op: "replace", path: "/b", value: 1 }],
    ["tests an absent value for null", { a: 1 }, { op: "test", path: "/b", value: null }],
    ["adds below a string", { a: "text" }, { op: "add", path: "/a/b", value: 1 }],
    ["reads a string's length", { a: "text" }, { op: "copy", from: "/a/length", path: "/b" }],
    ["moves a value into itself", { a: { b: 1 } }, { op: "move", from: "/a", path: "/a/c" }],
    ["moves the document into itself", { a: 1 }, { op: "move", from: "", path: "/a" }],
  ])("fails when it %s", (_what, document, step) => {
    expect(patched(document, step)).toMatchObject({ ok: false, errorType: "patch_failed" });
  });

  it("treats null as a present value", () => {
    expect(
      patched({ a: null }, { op: "test", path: "/a", value: null }, { op: "remove", path: "/a" }),
    ).toStrictEqual({ ok: true, document: {} });
  });

  it.each(["constructor", "prototype", "toString", "hasOwnProperty"])(
    "treats %s as an ordinary key",
    (key) => {
      expect(patched({}, { op: "remove", path: `/${key}` })).toMatchObject({ ok: false });
      expect(patched({}, { op: "copy", from: `/${key}`, path: "/a" })).toMatchObject({ ok: false });
      expect(
        patched(
          { name: "kept", [key]: { name: "old" } },
          { op: "replace", path: `/${key}/name`, value: "new" },
        ),
      ).toEqual({ ok: true, document: { name: "kept", [key]: { name: "new" } } });
    },
  );

  it("reaches no inherited property", () => {
    for (const path of ["/hasOwnProperty/call", "/constructor/prototype/x", "/__proto__/x", "/toString/x"]) {
      expect(patched({ list: [] }, { op: "add", path, value: 1 })).toMatchObject({ ok: false });
      expect(patched({ list: [] }, { op: "add", path: `/list${path}`, value: 1 })).toMatchObject({
        ok: false,
      });
    }
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(Object.prototype))) {
      if (typeof value === "function") expect(Object.keys(value)).toEqual([]);
    }
    expect("x" in {}).toBe(false);
  });

  it("makes __proto__ a plain member if a step names it", () => {
    const applied = patched({}, { op: "add", path: "/__proto__", value: { polluted: true } });
    expect(JSON.stringify(applied)).toBe('{"ok":true,"document":{"__proto__":{"polluted":true}}}');
    expect("polluted" in {}).toBe(false);
  });

  it("changes neither the document nor the patch, and shares values that no step reaches", () => {
    const document = { a: { list: [{ n: 1 }], same: {} }, b: { same: {} } };
    const patch: JsonPatchStep[] = [
      { op: "replace", path: "/a/list/0/n", value: 2 },
      { op: "add", path: "/new", value: { list: [] } },
      { op: "add", path: "/new/list/0", value: 1 },
      { op: "copy", from: "/new", path: "/copy" },
      { op: "add", path: "/copy/list/0", value: 2 },
      { op: "move", from: "/b", path: "/moved" },
      { op: "add", path: "/moved/n", value: 3 },
    ];
    const before = JSON.stringify([document, patch]);
    const applied = patched(document, ...patch);
    expect(applied).toStrictEqual({
      ok: true,
      document: {
        a: { list: [{ n: 2 }], same: {} },
        new: { list: [1] },
        copy: { list: [2, 1] },
        moved: { same: {}, n: 3 },
      },
    });
    expect(JSON.stringify([document, patch])).toBe(before);
    const result = applied.ok && (applied.document as typeof document & { moved: object });
    expect(result && result.a.same).toBe(document.a.same);
    expect(result && result.moved).toHaveProperty("same", document.b.same);
  });

  it("cannot grow a document indefinitely by copying it into itself", () => {
    const doubling = Array.from({ length: 60 }, (): JsonPatchStep => ({
      op: "copy",
      from: "/a",
      path: "/a/-",
    }));
    expect(patched({ a: ["text"] }, ...doubling)).toMatchObject({
      ok: false,
      errorType: "operation_too_costly",
    });

    const deepening = Array.from({ length: 65 }, (): JsonPatchStep => ({ op: "copy", from: "", path: "/a" }));
    expect(patched({}, ...deepening)).toMatchObject({ ok: false, errorType: "patch_failed" });
  });

  it("nests a document 64 levels deep and no deeper", () => {
    expect(patched({ a: {} }, { op: "add", path: "/a/a", value: nest(62) })).toMatchObject({ ok: true });
    expect(patched({ a: {} }, { op: "add", path: "/a/a", value: nest(63) })).toMatchObject({ ok: false });
    expect(patched({ b: nest(62), a: {} }, { op: "move", from: "/b", path: "/a/a" })).toMatchObject({
      ok: true,
    });
    expect(patched({ b: nest(63), a: {} }, { op: "move", from: "/b", path: "/a/a" })).toMatchObject({
      ok: false,
    });
  });

  it("never throws, whatever its input", () => {
    const key = fc.constantFrom(
      "a",
      "b",
      "0",
      "1",
      "-",
      "",
      "length",
      "constructor",
      "__proto__",
      "toString",
    );
    const pointer = fc.array(key, { maxLength: 3 }).map((keys) => keys.map((name) => `/${name}`).join(""));
    const value = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<JsonObject>;
    const step: fc.Arbitrary<JsonPatchStep> = fc.oneof(
      fc.record({ op: fc.constantFrom("add", "replace", "test"), path: pointer, value }),
      fc.record({ op: fc.constant("remove"), path: pointer }),
      fc.record({ op: fc.constantFrom("move", "copy"), from: pointer, path: pointer }),
    );
    const document = fc.dictionary(key, fc.jsonValue({ maxDepth: 2 })) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(document, fc.array(step, { maxLength: 8 }), (start, patch) => {
        const applied = patched(start, ...patch);
        if (!applied.ok) {
          expect(applied.errorType).toBe("patch_failed");
          return;
        }
        const { document } = applied;
        // -0 is written as 0, and equal to it.
        expect(jsonEqual(JSON.parse(JSON.stringify(document)) as JsonObject | null, document)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
