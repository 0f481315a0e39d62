import { describe, expect, it } from "vitest";
import { wholeNumber } from "./whole-number.ts";

describe("a whole number in a query string", () => {
  const schema = wholeNumber({ min: 0, max: 500 });

  it.each(["0", "1", "10", "500"])("%j is read", (text) => {
    expect(schema.parse(text)).toBe(Number(text));
  });

  it.each([
    "",
    " ",
    " 1",
    "1 ",
    "\t1",
    "1\n",
    "+1",
    "-1",
    "-0",
    "01",
    "00",
    "1.0",
    "1.",
    ".5",
    "1e2",
    "1E2",
    "0x10",
    "0b1",
    "0o7",
    "1_000",
    "1,000",
    "1n",
    "NaN",
    "Infinity",
    "null",
    "true",
    "١",
    "１",
    "501",
    "9007199254740993",
    "99999999999999999999",
    1,
    null,
    true,
    [],
    ["1"],
    ["1", "2"],
    {},
    { a: "1" },
  ])("%j is rejected", (value) => {
    const parsed = schema.safeParse(value);
    expect(parsed.error?.issues.map(({ message }) => message)).toEqual([
      "must be a whole number from 0 to 500, in plain digits",
    ]);
  });

  it("has no upper bound but that of a safe integer, unless one is given", () => {
    const open = wholeNumber({ min: 1 });
    expect(open.parse("9007199254740991")).toBe(Number.MAX_SAFE_INTEGER);
    expect(open.safeParse("9007199254740992").success).toBe(false);
    expect(open.safeParse("0").error?.issues[0]?.message).toBe(
      "must be a whole number of at least 1, in plain digits",
    );
  });
});
