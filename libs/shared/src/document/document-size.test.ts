import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DOCUMENT_BYTES_MAX, DOCUMENT_VALUES_MAX, isTooLarge } from "./document-size.ts";
import type { Json, JsonObject } from "./json.ts";

const bytesOf = (value: Json) => new TextEncoder().encode(JSON.stringify(value)).byteLength;
/** A document that is filled up to a number of bytes. */
const filled = (bytes: number, given: JsonObject): JsonObject => ({
  ...given,
  rest: "x".repeat(bytes - bytesOf({ ...given, rest: "" })),
});

describe("a document is too large", () => {
  it("by the bytes of its JSON, whatever the characters", () => {
    const json = fc.jsonValue({ maxDepth: 3, stringUnit: "binary" }) as fc.Arbitrary<Json>;
    const document = fc.dictionary(fc.string({ unit: "binary" }), json) as fc.Arbitrary<JsonObject>;
    fc.assert(
      fc.property(document, (given) => {
        expect(isTooLarge(given)).toBe(false);
        expect(isTooLarge(filled(DOCUMENT_BYTES_MAX, given))).toBe(false);
        expect(isTooLarge(filled(DOCUMENT_BYTES_MAX + 1, given))).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it.each([["x"], ["ü"], ["漢"], ["🙂"], ["\n"], ["\u0001"], ['"'], [-1.5e-300], [null], [[]]])(
    "by the bytes of many: %j",
    (value) => {
      const many = (count: number) => Array.from({ length: count }, () => value);
      const text = typeof value === "string" ? value.repeat(40_000) : "";
      const given = { many: many(40_000), text };
      expect(isTooLarge(filled(DOCUMENT_BYTES_MAX, given))).toBe(false);
      expect(isTooLarge(filled(DOCUMENT_BYTES_MAX + 1, given))).toBe(true);
    },
  );

  it("by its values and keys, however short they are", () => {
    // The list and its key are two.
    const list = (count: number) => ({ a: Array.from({ length: count }, () => ({})) });
    expect(isTooLarge(list(DOCUMENT_VALUES_MAX - 2))).toBe(false);
    expect(isTooLarge(list(DOCUMENT_VALUES_MAX - 1))).toBe(true);
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [n, n]));
    expect(isTooLarge(keys(DOCUMENT_VALUES_MAX / 2))).toBe(false);
    expect(isTooLarge(keys(DOCUMENT_VALUES_MAX / 2 + 1))).toBe(true);
  });
});
