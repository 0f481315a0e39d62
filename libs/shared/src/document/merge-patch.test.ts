import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import { applyMergePatch } from "./merge-patch.ts";

/** RFC 7396, appendix A: original, patch, result. */
const APPENDIX_A: readonly [Json, Json, Json][] = [
  [{ a: "b" }, { a: "c" }, { a: "c" }],
  [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
  [{ a: "b" }, { a: null }, {}],
  [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
  [{ a: ["b"] }, { a: "c" }, { a: "c" }],
  [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
  [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
  [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
  [
    ["a", "b"],
    ["c", "d"],
    ["c", "d"],
  ],
  [{ a: "b" }, ["c"], ["c"]],
  [{ a: "foo" }, null, null],
  [{ a: "foo" }, "bar", "bar"],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: "b", c: null }, { a: "b" }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];
const jsonObject = fc.dictionary(
  fc.string({ maxLength: 2 }),
  fc.jsonValue({ maxDepth: 3 }),
) as fc.Arbitrary<JsonObject>;

describe("a JSON Merge Patch", () => {
  it.each(APPENDIX_A)(
    "makes of %j with %j the result of RFC 7396, as a member",
    (original, patch, result) => {
      const expected = result === null ? {} : { member: result };
      expect(applyMergePatch({ member: original }, { member: patch })).toStrictEqual(expected);
    },
  );

  it.each(APPENDIX_A)(
    "makes of %j with %j the result of RFC 7396, as a document",
    (original, patch, result) => {
      if (!isJsonObject(original) || !isJsonObject(patch)) return;
      expect(applyMergePatch(original, patch)).toStrictEqual(result);
    },
  );

  it("changes neither the document nor the patch", () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (document, patch) => {
        const before = JSON.stringify([document, patch]);
        applyMergePatch(document, patch);
        expect(JSON.stringify([document, patch])).toBe(before);
      }),
    );
  });

  it("has no further effect when it is applied again", () => {
    fc.assert(
      fc.property(jsonObject, jsonObject, (document, patch) => {
        const once = applyMergePatch(document, patch);
        expect(applyMergePatch(once, patch)).toEqual(once);
      }),
    );
  });

  it("treats __proto__ as an ordinary key, and reaches no prototype", () => {
    const patch = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    const patched = applyMergePatch({}, patch as JsonObject);
    expect(JSON.stringify(patched)).toBe(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}',
    );
    expect(Object.getPrototypeOf(patched)).toBe(Object.prototype);
    expect("polluted" in {}).toBe(false);
  });

  it("does not read an inherited member", () => {
    expect(applyMergePatch({}, { toString: { a: 1 } })).toStrictEqual({ toString: { a: 1 } });
  });
});
