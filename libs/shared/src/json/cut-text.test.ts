import { describe, expect, it } from "vitest";
import { cutText } from "./cut-text.ts";

describe("a text that is cut", () => {
  it.each([
    ["abc", "abc"],
    ["abcd", "abcd"],
    ["abcde", "abcd"],
    ["ab😀", "ab😀"],
    ["abc😀", "abc"],
    ["abc\ud83d", "abc\ud83d"],
  ])("%j is %j: no half of a pair is left over", (text, cut) => {
    expect(cutText(text, 4)).toBe(cut);
  });
});
