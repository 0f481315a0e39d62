import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { diffText, splitWords } from "./diff-text.ts";

const text = fc
  .array(fc.constantFrom("one", "two", "zwei", " ", "  ", "\n", ".", "é", "日本", "👩‍👩‍👧", "\ud800", "\u0301"), {
    maxLength: 30,
  })
  .map((parts) => parts.join(""));

describe("a text is cut into words", () => {
  it("that are the text again", () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.string({ unit: "binary" })), (text) => {
        const words = splitWords(text);
        expect(words.join("")).toBe(text);
        expect(words).not.toContain("");
      }),
    );
  });

  it.each([
    ["don't stop", ["don", "'", "t", " ", "stop"]],
    ["~2.1.10", ["~", "2.1.10"]],
    ["10,00 or 1.000,50.", ["10,00", " ", "or", " ", "1.000,50", "."]],
    ["2026-11-30, 10:30", ["2026-11-30", ",", " ", "10:30"]],
    ["v1.2 1/2 ٣٫١٤ 1\u202f000 5'000", ["v1.2", " ", "1/2", " ", "٣٫١٤", " ", "1\u202f000", " ", "5'000"]],
    ["-5 +3 a-5 5 - 3", ["-5", " ", "+3", " ", "a", "-", "5", " ", "5", " ", "-", " ", "3"]],
    ["a.5 5. .5 1..5", ["a", ".", "5", " ", "5", ".", " ", ".", "5", " ", "1", ".", ".", "5"]],
    ["zażółć gęślą", ["zażółć", " ", "gęślą"]],
    ["e\u0301t\u00e9 x", ["e\u0301t\u00e9", " ", "x"]],
    ["日本語 です", ["日", "本", "語", " ", "で", "す"]],
    ["a👍🏽b👩‍👩‍👧", ["a", "👍🏽", "b", "👩‍👩‍👧"]],
    ["a_b  c", ["a_b", " ", " ", "c"]],
  ])("%j", (text, words) => {
    expect(splitWords(text)).toStrictEqual(words);
  });
});

describe("the edits between two texts", () => {
  it("turn one into the other, in order and apart", () => {
    fc.assert(
      fc.property(text, text, (from, to) => {
        let done = 0;
        let edited = "";
        for (const { start, end, text } of diffText(from, to)) {
          expect(start).toBeGreaterThanOrEqual(done);
          expect(end > start || text !== "").toBe(true);
          edited += from.slice(done, start) + text;
          done = end;
        }
        expect(edited + from.slice(done)).toBe(to);
      }),
      { numRuns: 2000 },
    );
  });

  it("are about words, within the lines that changed", () => {
    expect(diffText("one\ntwo three\nfour", "one\ntwo 3\nfour")).toStrictEqual([
      { start: 8, end: 13, text: "3" },
    ]);
    expect(diffText("a b c", "a b")).toStrictEqual([{ start: 3, end: 5, text: "" }]);
    expect(diffText("", "new")).toStrictEqual([{ start: 0, end: 0, text: "new" }]);
  });
});
