import { expect, it } from "vitest";
import { runBounded } from "./run-bounded.ts";

it("returns the result of a call within its limit, and throws its error", () => {
  const result = {};
  expect(runBounded(() => result, 1_000)).toBe(result);
  const error = new RangeError("its own");
  const throwing = () => {
    throw error;
  };
  expect(() => runBounded(throwing, 1_000)).toThrow(error);
});

it.each([
  [
    "a loop",
    () => {
      for (;;);
    },
  ],
  ["a regular expression", () => /^(?:a+)+$/.test(`${"a".repeat(64)}!`)],
])("ends %s that takes longer", (_, call) => {
  expect(() => runBounded<unknown>(call, 20)).toThrow(expect.objectContaining({ name: "TimeLimitExceeded" }));
});

it("bounds a call within another call by its own limit", () => {
  const inner = () => runBounded(() => "inner", 1_000);
  expect(runBounded(() => [inner(), inner()], 1_000)).toEqual(["inner", "inner"]);
});
