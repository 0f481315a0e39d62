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
  ])("%j becomes %j: without half of a pair", (text, cut) => {
    expect(cutText(text, 4)).toBe(cut);
  });
});
