import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "./parse-json.ts";

/** Wraps `value` in objects, `levels` containers in all. */
function nest(levels: number, value = "1"): string {
  return '{"a":'.repeat(levels) + value + "}".repeat(levels);
}

/** Returns the path and message of the fault, or the other outcome of parsing. */
function faultOf(text: string): unknown {
  const parsed = parseJson(text);
  return parsed.kind === "fault" ? parsed.fault : parsed.kind;
}

describe("parsing JSON", () => {
  it("returns any JSON value unchanged, except for the rejected texts", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4, stringUnit: "binary" }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!/\\u0000|__proto__/.test(text));
        expect(parseJson(text)).toMatchObject({ kind: "json", value: JSON.parse(text) });
      }),
    );
  });

  it("returns any double, as JavaScript writes it", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        expect(parseJson(JSON.stringify({ number }))).toMatchObject({
          kind: "json",
          value: { number: number + 0 },
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it("accepts exactly the integers that come back unchanged", () => {
    fc.assert(
      // Up to here a double's shortest text is plain digits.
      fc.property(fc.bigInt({ min: -(2n ** 69n), max: 2n ** 69n }), (integer) => {
        const comesBack = String(Number(integer)) === String(integer);
        expect(parseJson(`[${integer}]`).kind).toBe(comesBack ? "json" : "fault");
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    "0",
    "-0",
    "0.0",
    "-0.0e-99999999999",
    "0e400",
    "0.1",
    "1.0",
    "1.50",
    "1e21",
    "1E+21",
    "100000000000000000000000",
    "0.30000000000000004",
    "9007199254740992",
    "2251799813685249.5",
    "1.7976931348623157e308",
    "5e-324",
    "1e0000000000000000000000000000002",
    "123.456000000000000000000000000",
    "0.000000000000000000000000000001",
    "12345678901234500000000",
  ])("accepts the number %s", (text) => {
    expect(parseJson(`{"n":${text}}`)).toMatchObject({ kind: "json", value: { n: Number(text) } });
  });

  it.each([
    "12345678901234567890",
    "9007199254740993",
    "-9007199254740993",
    "9007199254740992.5",
    "0.1000000000000000055511151231257827",
    "0.300000000000000041",
    "1e400",
    "-1e400",
    "1e309",
    "1e-400",
    "3e-324",
    "1e99999999999",
    "1e-99999999999",
    "1797693134862315700000000000000000000e999",
  ])("rejects the number %s, with its path", (text) => {
    expect(faultOf(`{"a":[1,{"b/c":${text}}]}`)).toEqual({
      path: ["a", 1, "b/c"],
      message: expect.stringContaining("double"),
    });
  });

  it.each(["%", " %\n", "[%]", "[1,%]", "[1 ,\t%]", '{"a":%}', '{"a" :\r\n %}', '{"a:":1,"b":[[%]]}'])(
    "rejects such a number at any position: %j",
    (text) => {
      for (const number of ["-9007199254740993", "1e400", "0.300000000000000041"]) {
        expect(faultOf(text.replace("%", number))).toMatchObject({
          message: expect.stringContaining("double"),
        });
      }
    },
  );

  it("does not treat digits inside a string as a number", () => {
    const value = { a: "12345678901234567890", b: "1e400", "9007199254740993": 1 };
    expect(parseJson(JSON.stringify(value))).toMatchObject({ kind: "json", value });
  });

  it.each([
    ["an exponent of millions of digits", `1e-${"9".repeat(9_000_000)}`],
    ["millions of zeros before the last digit", `0.1${"0".repeat(9_000_000)}1`],
    ["millions of digits", "1234567890".repeat(900_000)],
    ["hundreds of thousands of long numbers", "0.12345678901234567,".repeat(490_000) + "1e400"],
  ])(
    "rejects %s, with the reason",
    (_what, text) => {
      expect(faultOf(`[${text}]`)).toEqual({
        path: [expect.any(Number)],
        message: expect.stringContaining("double"),
      });
    },
    // Quadratic time would take hours.
    120_000,
  );

  it.each([
    ["NUL in a value", String.raw`{"a":["x\u0000y"]}`, ["a", 0]],
    ["NUL in a key", String.raw`{"a":{"x\u0000":1}}`, ["a", "x\u0000"]],
    ["a lone high surrogate", String.raw`{"a":"\ud83d"}`, ["a"]],
    ["a lone low surrogate", String.raw`{"a":"\uDE00 text"}`, ["a"]],
    ["a lone surrogate in a key", String.raw`{"\uD83D":1}`, ["\ud83d"]],
    ["surrogates the wrong way round", String.raw`{"a":"\ude00\ud83d"}`, ["a"]],
    ["__proto__ as a key", '{"a":{"__proto__":1}}', ["a", "__proto__"]],
    ["__proto__ with an escaped underscore", String.raw`{"\u005F_proto__":1}`, ["__proto__"]],
    ["__proto__ with an escaped letter", String.raw`{"__prot\u006f__":{"x":1}}`, ["__proto__"]],
  ])("rejects %s, with its path", (_what, text, path) => {
    expect(faultOf(text)).toEqual({ path, message: expect.any(String) });
  });

  it.each([
    ["a surrogate pair", String.raw`{"a":"\ud83d\ude00"}`, { a: "😀" }],
    ["other escapes", String.raw`{"a":"\u0001\u00e9\n"}`, { a: "\u0001é\n" }],
    [
      "a backslash before a text that looks like an escape",
      String.raw`{"a":"\\u0000"}`,
      { a: String.raw`\u0000` },
    ],
    ["__proto__ as a value", '{"a":"__proto__"}', { a: "__proto__" }],
  ])("accepts %s", (_what, text, value) => {
    expect(parseJson(text)).toMatchObject({ kind: "json", value });
  });

  it("accepts a document of 64 levels, nested three levels deep in its body, and rejects 65", () => {
    expect(parseJson(`{"operations":[{"data":${nest(64)}}]}`).kind).toBe("json");
    expect(faultOf(`{"operations":[{"data":${nest(65)}}]}`)).toEqual({
      path: ["operations", 0, "data", ...Array.from({ length: 64 }, () => "a")],
      message: expect.stringContaining("64 levels"),
    });
  });

  it.each(["1", "12345678901234567890", '"__proto__"'])("rejects 400,000 levels around %s", (value) => {
    const deep = "[".repeat(400_000) + value + "]".repeat(400_000);
    expect(faultOf(deep)).toMatchObject({ message: expect.stringContaining("64 levels") });
  });

  it.each<[string, string]>([
    ["brackets", "[".repeat(600_000)],
    ["numbers", `[${"1,".repeat(600_000)}1]`],
    ["keys", `{${Array.from({ length: 260_000 }, (_, n) => `"${n}":1`).join(",")}}`],
  ])("does not parse a text that holds too many %s", (_what, text) => {
    expect(parseJson(text)).toEqual({ kind: "too-many-values" });
  });

  it("counts a string as one value, whatever its content", () => {
    const table = { csv: '1,2,"x":[{\\'.repeat(100_000) };
    expect(parseJson(JSON.stringify(table))).toMatchObject({ kind: "json", value: table });
  });

  it("accepts as many numbers as a large drawing has", () => {
    const numbers = Array.from({ length: 480_000 }, (_, n) => n / 7);
    expect(parseJson(JSON.stringify(numbers)).kind).toBe("json");
  });

  it("rejects a duplicate key, with its path", () => {
    expect(faultOf('{"operations":[{"data":{"a":1,"b":{"c":1,"c":2}}}]}')).toEqual({
      path: ["operations", 0, "data", "b", "c"],
      message: "is a duplicate key",
    });
  });

  it.each(["", "{", "{'a':1}", '{"a":1}x', "[1,]", "01", "NaN", "undefined", '"\n"', "\ufeff{}"])(
    "reports that %j is not JSON",
    (text) => {
      expect(parseJson(text).kind).toBe("not-json");
    },
  );
});
