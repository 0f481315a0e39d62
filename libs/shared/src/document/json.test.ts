import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonEqual } from "./json-equal.ts";
import { depthOf, isJsonObject, type Json } from "./json.ts";

const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
const parse = (text: string): Json => JSON.parse(text) as Json;

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(reversed);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, reversed(inner)] as const)
      .toReversed(),
  );
}

describe("two JSON values are equal", () => {
  it("whatever the order of their keys", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(jsonEqual(value, reversed(value))).toBe(true);
      }),
    );
  });

  it("exactly if their texts cannot be distinguished", () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        const same = JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
        expect(jsonEqual(one, other)).toBe(same);
        expect(jsonEqual(other, one)).toBe(same);
      }),
    );
  });

  it.each<[string, string]>([
    ["null", "{}"],
    ["[]", "{}"],
    ["[null]", "[]"],
    ['{"a":null}', "{}"],
    ['{"a":null}', '{"b":null}'],
    ['{"a":1}', '{"a":1,"b":1}'],
    ["[1,2]", "[2,1]"],
    ["1", '"1"'],
    ["0", "false"],
    ['{"toString":null}', '{"a":null}'],
    ['{"__proto__":{}}', "{}"],
    ['{"__proto__":{"a":1}}', '{"__proto__":{"a":2}}'],
  ])("but not %s and %s", (one, other) => {
    expect(jsonEqual(parse(one), parse(other))).toBe(false);
    expect(jsonEqual(parse(other), parse(one))).toBe(false);
  });

  it("also if both are zero, of either sign", () => {
    expect(jsonEqual(parse("-0"), parse("0"))).toBe(true);
  });
});

describe("a JSON object", () => {
  it("is neither an array, nor null, nor a scalar, nor absent", () => {
    expect([{}, { a: 1 }].every(isJsonObject)).toBe(true);
    expect([[], null, "", 0, true, undefined].some(isJsonObject)).toBe(false);
  });

  it.each([
    ["1", 0],
    ["null", 0],
    ["{}", 1],
    ["[]", 1],
    ['{"a":[1],"b":2}', 2],
    ['{"a":1,"b":[{"c":{}}]}', 4],
  ])("%s has its deepest container at level %d", (text, depth) => {
    expect(depthOf(parse(text))).toBe(depth);
  });
});

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value === "number") return value + 0;
  if (!isJsonObject(value)) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]): Json => [key, sorted(inner)])
    .concat([["object"]]);
}
