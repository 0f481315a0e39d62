import { expect, it } from "vitest";
import { readPrefer } from "./prefer.ts";

it.each<[string | undefined, number]>([
  [undefined, 30_000],
  ["", 30_000],
  ["return=minimal", 30_000],
  ["wait=5", 5_000],
  ["wait=0", 0],
  ['wait="5"', 5_000],
  ["WAIT = 5", 5_000],
  ["return=minimal, wait=5", 5_000],
  ["wait=5; foo=bar", 5_000],
  ["wait=5 ; foo=bar", 5_000],
  ["wait=5, wait=9", 5_000],
  ["wait=soon, wait=9", 30_000],
  ["wait=30", 30_000],
  ["wait=999999", 30_000],
  ["wait=99999999999999999999", 30_000],
  ["respond-async", 0],
  ["Respond-Async", 0],
  ["respond-async, wait=10", 0],
  ["wait=10, respond-async", 0],
  ["wait=-1", 30_000],
  ["wait=1.5", 30_000],
  ["wait=0x1", 30_000],
  ["wait=1e0", 30_000],
  ["wait=", 30_000],
  ["wait= 5", 5_000],
  ["wait=5 6", 30_000],
  ['wait="5', 30_000],
  ['wait=5"', 30_000],
  ["wait=soon", 30_000],
  ["await=5", 30_000],
  // Text in quotes, or in the parameters of another preference, is no preference.
  ['foo="a, respond-async, wait=0"', 30_000],
  ['foo="a\\", wait=0"', 30_000],
  ['foo="a, wait=0', 30_000],
  ["foo; respond-async; wait=0", 30_000],
  ["foo; bar, wait=5", 5_000],
])("a request that prefers %j waits %d ms at most", (prefer, waitMs) => {
  expect(readPrefer(prefer, 30_000).waitMs).toBe(waitMs);
});

it.each<[string | undefined, boolean, string[]]>([
  [undefined, false, []],
  ["return=minimal", true, ["return=minimal"]],
  ['Return="minimal"', true, ["return=minimal"]],
  ["respond-async, return=minimal", true, ["respond-async", "return=minimal"]],
  ["wait=5, return=minimal; foo", true, ["return=minimal"]],
  ["return=representation", false, []],
  ["return=representation, return=minimal", false, []],
  ["return", false, []],
  ["return=minimally", false, []],
  ['foo="return=minimal"', false, []],
])("a request that prefers %j wants minimal results: %s", (prefer, minimal, applied) => {
  expect(readPrefer(prefer, 30_000)).toMatchObject({ minimal, applied });
});

it("parses a header of any length quickly", () => {
  for (const part of ["a", '"', '"a', 'a="', "\\", ",", ";", "wait=", '"\\"']) {
    const header = part.repeat(Math.ceil(16_384 / part.length));
    expect(readPrefer(header, 30_000).waitMs).toBe(30_000);
  }
});
