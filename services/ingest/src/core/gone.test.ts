import { expect, it } from "vitest";
import { goneAt } from "./gone.ts";

const ends = { from: 3, to: 14 };

it.each([
  [2, "history-gone"],
  [3, undefined],
  [13, undefined],
  [14, undefined],
  [15, "cursor-ahead"],
  [Number.MAX_SAFE_INTEGER, "cursor-ahead"],
])("a reader at %d of a feed from 3 to 14 is answered %s", (cursor, type) => {
  expect(goneAt(cursor, ends)).toBe(type);
});

it("an empty feed can be read from 0 only", () => {
  const none = { from: 0, to: 0 };
  expect([goneAt(0, none), goneAt(1, none)]).toEqual([undefined, "cursor-ahead"]);
});
