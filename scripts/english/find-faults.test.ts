import { expect, it } from "vitest";
import { findFaults } from "./find-faults.ts";

it.each(["What is left", "Whether it holds", "Of all, the first", "as soon as it can"])(
  "finds a comment that starts with a relative clause: %s",
  (text) => {
    expect(findFaults({ kind: "comment", text })).toHaveLength(1);
    expect(findFaults({ kind: "page", text })).toEqual([]);
  },
);

it("finds a word that has a better one, wherever it stands", () => {
  expect(findFaults({ kind: "page", text: "The entry is set aside." })).toEqual(['"set aside": dead-letter']);
  expect(findFaults({ kind: "comment", text: "Returns nothing that somebody mended." })).toHaveLength(2);
});

it("has no word against plain English", () => {
  const text =
    "Returns the tenant's documents, or `undefined` if there are none. Whatever follows is skipped.";
  expect(findFaults({ kind: "comment", text })).toEqual([]);
});
