import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sizeOf } from "./json-size.ts";
import { readPart, sizeOfText, WHOLE, type Places } from "./json-text.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

const json = fc.jsonValue({ maxDepth: 4, stringUnit: "binary" }) as fc.Arbitrary<Json>;
/** No document has the character U+0000. */
const document = fc
  .dictionary(fc.string({ unit: "binary", maxLength: 3 }), json)
  .filter((value) => !JSON.stringify(value).includes(String.raw`\u0000`)) as fc.Arbitrary<JsonObject>;
const spaces = fc.constantFrom(0, 1, "\t");
const parse = (text: string) => JSON.parse(text) as JsonObject;

/** Some of a value's places, chosen by chance. */
function placesOf(value: Json, chosen: () => boolean): Places {
  if (!isJsonObject(value)) return chosen() ? WHOLE : new Map();
  return new Map(
    Object.entries({ ...value, none: 1 }).flatMap(([key, inner]) =>
      chosen() ? [[key, placesOf(inner, chosen)]] : [],
    ),
  );
}

const some = fc.tuple(document, spaces, fc.infiniteStream(fc.boolean())).map(([value, space, choices]) => ({
  text: JSON.stringify(value, null, space),
  places: placesOf(value, () => choices.next().value === true),
}));

describe("the text of a document", () => {
  it.each([
    [
      String.raw`{"a": -0, "b": -12, "c": 1e21, "d": 1.50, "e": 1000000000000000000000, "f": 12345678901234567}`,
    ],
    [String.raw`{"\u00e9\n\"": "é\\漢🙂\u0001\/", "": [true, false, null, [], {}, [[]]], "x": {"y": {}}}`],
    ["{}"],
  ])("has the size of its value: %s", (text) => {
    expect(sizeOfText(text)).toEqual(sizeOf(parse(text)));
  });

  it("has the size of its value, whatever it holds", () => {
    fc.assert(
      fc.property(document, spaces, (value, space) => {
        expect(sizeOfText(JSON.stringify(value, null, space))).toEqual(sizeOf(value));
      }),
    );
  });

  it.each(["", "{", '{"a', '{"a":', '{"a":1', '{"a":[1,', String.raw`{"a\\`])("ends early: %j", (text) => {
    expect(() => sizeOfText(text)).toThrow("ends early");
    expect(() => readPart(text, new Map([["a", WHOLE]]), Infinity)).toThrow("ends early");
  });
});

describe("a document that is read in part", () => {
  it("is written as it was", () => {
    fc.assert(
      fc.property(some, ({ text, places }) => {
        const part = readPart(text, places, Infinity);
        expect(part?.write(part.value)).toBe(text);
        // A copy, too.
        expect(parse(part?.write({ ...part.value }) ?? "")).toEqual(parse(text));
      }),
    );
  });

  it("has the size of the whole, and so has what is made of it", () => {
    fc.assert(
      fc.property(some, fc.infiniteStream(fc.boolean()), ({ text, places }, choices) => {
        const part = readPart(text, places, Infinity);
        if (part === undefined) throw new Error("The part is too large");
        expect(sizeOf(part.value)).toEqual(sizeOf(parse(text)));
        // Anything that was asked for may go.
        const left: JsonObject = Object.fromEntries(
          Object.entries(part.value).filter(([key]) => key === "\u0000" || choices.next().value),
        );
        const { values, bytes } = sizeOf(parse(part.write(left)));
        expect(sizeOf(left)).toMatchObject({ values, bytes });
      }),
    );
  });

  it("holds what was asked for, and no more", () => {
    const text = '{"a": {"b": 1, "c": {"d": [1, {"e": 2}], "f": 3}}, "g": [1, 2], "h": {"i": 1}, "j": "x"}';
    const places = new Map<string, Places>([
      ["a", new Map<string, Places>([["c", new Map([["d", WHOLE]])]])],
      ["g", new Map()],
      ["h", new Map()],
      ["k", WHOLE],
    ]);
    const part = readPart(text, places, Infinity);
    const rest = expect.any(Array) as Json;
    expect(part?.value).toEqual({
      a: { c: { d: [1, { e: 2 }], "\u0000": rest }, "\u0000": rest },
      g: [],
      h: { "\u0000": rest },
      "\u0000": rest,
    });
  });

  it("is no part if too much would have to be read", () => {
    const text = '{"a": [1, 2, 3], "b": [4, 5, 6], "c": {}}';
    const both = new Map<string, Places>([
      ["a", WHOLE],
      ["b", WHOLE],
    ]);
    expect(readPart(text, both, 18)).toBeDefined();
    expect(readPart(text, both, 17)).toBeUndefined();
    expect(readPart(text, new Map([["a", new Map()]]), 0)).toBeDefined();
  });
});
