import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { depthOf, type Json } from "./json.ts";
import { countIn, countOut, sizeOf } from "./json-size.ts";

const json = fc.jsonValue({ maxDepth: 4, stringUnit: "binary" }) as fc.Arbitrary<Json>;
const bytesOf = (value: Json) => new TextEncoder().encode(JSON.stringify(value)).byteLength;

function valuesOf(value: Json): number {
  if (typeof value !== "object" || value === null) return 1;
  const keys = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce<number>((sum, inner) => sum + valuesOf(inner), 1 + keys);
}

describe("the size of a value", () => {
  it("is that of its JSON, when first measured and later", () => {
    fc.assert(
      fc.property(json, (value) => {
        for (let look = 0; look < 2; look++) {
          expect(sizeOf(value)).toMatchObject({
            bytes: bytesOf(value),
            values: valuesOf(value),
            depthMax: depthOf(value),
          });
        }
      }),
    );
  });

  it("is counted as members come and go", () => {
    const member = fc.tuple(fc.string({ unit: "binary" }), json);
    fc.assert(
      fc.property(fc.uniqueArray(member, { selector: ([key]) => key }), (members) => {
        const given = members.filter(([key]) => key !== "__proto__");
        const size = { ...sizeOf({}) };
        for (const [key, value] of given) countIn(size, key, sizeOf(value));
        const { depthMax: _, ...counted } = size;
        expect(counted).toEqual({
          bytes: bytesOf(Object.fromEntries(given)),
          values: valuesOf(Object.fromEntries(given)),
          width: given.length,
        });
        for (const [key, value] of given) countOut(size, key, sizeOf(value));
        expect(size).toMatchObject({ bytes: 2, values: 1, width: 0 });
      }),
    );
  });

  it("counts shared values at each place, so that doubling is detected without a walk", () => {
    let value: Json = Array.from({ length: 40 }, () => 1);
    for (let level = 0; level < 40; level++) value = { a: value, b: value };
    expect(sizeOf(value).values).toBeGreaterThan(2 ** 40);
  });
});
