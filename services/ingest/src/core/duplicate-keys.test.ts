import type { Json } from "@syncline/shared/document";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findDuplicateKey } from "./duplicate-keys.ts";

const find = (text: string) => findDuplicateKey(text, JSON.parse(text) as Json);

describe("a duplicate key", () => {
  it.each<[string, (string | number)[]]>([
    ['{"a":1,"a":2}', ["a"]],
    ['{"a":1,"b":{"c":[0,{"d":1,"e":2,"d":3}]}}', ["b", "c", 1, "d"]],
    ['[{"a":1},{"a":1,"a":1}]', [1, "a"]],
    ['{"a":{"x":1},"a":{"x":1}}', ["a"]],
    [String.raw`{"a":1,"\u0061":2}`, ["a"]],
    [String.raw`{"\u003a":1,":":2}`, [":"]],
    [String.raw`{"\"":1,"\"":2}`, ['"']],
    [String.raw`{"a\\":1,"a\\":2}`, ["a\\"]],
    ['{"":1,"":2}', [""]],
    ['{"1":1,"1":2}', ["1"]],
    ['{ "a" :\n1 ,\t"a" : 2 }', ["a"]],
    ['{"__proto__":1,"__proto__":2}', ["__proto__"]],
    ['{"a":"x:y","a":":"}', ["a"]],
  ])("is found: %s", (text, path) => {
    expect(find(text)).toEqual(path);
  });

  it.each([
    "{}",
    "[]",
    '"a:b"',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"\\"b\\":1,\\"b\\":2"}',
    String.raw`{"a":"\u003a\u003A:","b":"\\u003a"}`,
    '{"time":"12:30:00","url":"https://a.example:8443/x","a:b":1}',
    '{"toString":1,"constructor":2,"hasOwnProperty":3}',
    "1",
  ])("is not there: %s", (text) => {
    expect(find(text)).toBeUndefined();
  });

  const key = fc.oneof(fc.string(), fc.constantFrom("a", ":", '"', "\\", "\\u003a", "0", "__proto__", "é"));
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string(),
      fc.constantFrom<Json>(":", "::", null, true, 1.5, '{"a":1}'),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(key, tie("value"), { maxKeys: 4 }),
    ),
  }));

  it("is in no serialized value", () => {
    fc.assert(
      fc.property(value, (json) => {
        expect(find(JSON.stringify(json))).toBeUndefined();
      }),
    );
  });

  it("is found anywhere, for any key and any values", () => {
    fc.assert(
      fc.property(key, value, value, value, fc.boolean(), (name, first, second, beside, inArray) => {
        const members = [`${JSON.stringify(name)}:${JSON.stringify(first)}`];
        if (name !== "beside") members.push(`"beside":${JSON.stringify(beside)}`);
        members.push(`${escaped(name)}:${JSON.stringify(second)}`);
        const object = `{${members.join(",")}}`;
        const text = inArray ? `[${JSON.stringify(beside)},${object}]` : `{"in":${object}}`;
        expect(find(text)).toEqual([inArray ? 1 : "in", name]);
      }),
    );
  });
});

/** Writes a string with an escape for each of its characters. */
function escaped(text: string): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("")}"`;
}
