import { expect, it } from "vitest";
import { isEntryBefore } from "./entry-id.ts";

it.each([
  ["1-0", "2-0", true],
  ["9-0", "10-0", true],
  ["1-9", "1-10", true],
  ["1-1", "1-1", false],
  ["2-0", "1-9", false],
])("entry %s lies before entry %s: %s", (id, other, before) => {
  expect(isEntryBefore(id, other)).toBe(before);
});
