import { expect, it } from "vitest";
import { change, draftOf } from "../core/testing/draft-of.ts";
import { threeWay } from "./three-way.ts";

const settings = { rebase: threeWay, deleteWins: () => false };

it("merges lists that both sides have changed, which a replay would overwrite", () => {
  const { write, pull, shown } = draftOf({}, settings);
  pull(1, change("a", 1, 1, { tags: ["x"] }));
  write("a", { kind: "update", data: { tags: ["x", "mine"] } });
  pull(2, change("a", 2, 2, { tags: ["theirs", "x"], title: "t" }));
  expect(shown("a")).toEqual({ tags: ["theirs", "x", "mine"], title: "t" });
});

it("applies edits of a newer version to the merge", () => {
  const { write, pull, shown } = draftOf({}, settings);
  pull(1, change("a", 1, 1, { tags: ["x"] }));
  write("a", { kind: "update", data: { tags: ["x", "mine"] } });
  pull(2, change("a", 2, 2, { tags: ["theirs", "x"] }));
  write("a", { kind: "update", data: { title: "mine" } });
  expect(shown("a")).toEqual({ tags: ["theirs", "x", "mine"], title: "mine" });
});

it("keeps an edit of a document that others deleted", () => {
  const { write, pull, shown } = draftOf({}, settings);
  pull(1, change("a", 1, 1, { n: 1 }));
  write("a", { kind: "update", data: { x: 1 } });
  pull(2, change("a", 2, 2, null));
  expect(shown("a")).toEqual({ n: 1, x: 1 });
});
