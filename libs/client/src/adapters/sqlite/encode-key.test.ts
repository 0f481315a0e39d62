import fc from "fast-check";
import { expect, it } from "vitest";
import { compareKeys, rangeOf } from "../../testing/storages/model.ts";
import { decodeKey, encodeKey, encodeRange } from "./encode-key.ts";

const part = fc.oneof(
  fc.double({ noNaN: true }),
  fc.integer({ min: -3, max: 3 }),
  fc.string({ unit: "binary", maxLength: 4 }),
  fc.string({ unit: fc.constantFrom("\0", "\u0001", "a", "\ud83d", "\ude00", "\uffff"), maxLength: 3 }),
);
const key = fc.array(part, { maxLength: 3 });
const compareBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b);

it("decodes the key that was encoded, with 0 for -0", () => {
  fc.assert(
    fc.property(key, (key) => {
      expect(decodeKey(encodeKey(key))).toEqual(key.map((part) => (part === 0 ? 0 : part)));
    }),
  );
});

it("sorts encoded keys as keys are compared", () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      expect(Math.sign(compareBytes(encodeKey(a), encodeKey(b)))).toBe(Math.sign(compareKeys(a, b)));
    }),
    { numRuns: 1000 },
  );
});

it("encodes the bounds of a range so that it holds the keys of the range", () => {
  const bound = fc.option(part, { nil: undefined });
  fc.assert(
    fc.property(
      key,
      key,
      bound,
      bound,
      fc.boolean(),
      fc.boolean(),
      (key, prefix, from, to, fromOpen, toOpen) => {
        const range = {
          prefix,
          ...(from !== undefined && { from, fromOpen }),
          ...(to !== undefined && { to, toOpen }),
        };
        for (const candidate of [key, [...prefix, ...key], prefix]) {
          const [lower, upper] = encodeRange(range);
          const bytes = encodeKey(candidate);
          const inside = compareBytes(bytes, lower) >= 0 && compareBytes(bytes, upper) < 0;
          expect(inside).toBe(rangeOf([candidate], range).length === 1);
        }
      },
    ),
    { numRuns: 1000 },
  );
});

it("refuses NaN, which has no place in an order", () => {
  expect(() => encodeKey(["a", NaN])).toThrow(RangeError);
});
