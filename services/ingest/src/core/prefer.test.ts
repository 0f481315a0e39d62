import { expect, it } from "vitest";
import { waitMsOf } from "./prefer.ts";

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
  ["wait=5, wait=9", 5_000],
  ["wait=30", 30_000],
  ["wait=999999", 30_000],
  ["wait=99999999999999999999", 30_000],
  ["respond-async", 0],
  ["Respond-Async", 0],
  ["respond-async, wait=10", 0],
  ["wait=10, respond-async", 0],
  ["wait=-1", 30_000],
  ["wait=1.5", 30_000],
  ["wait=soon", 30_000],
  ["await=5", 30_000],
])("a request that prefers %j waits %d ms at most", (prefer, waitMs) => {
  expect(waitMsOf(prefer, 30_000)).toBe(waitMs);
});
