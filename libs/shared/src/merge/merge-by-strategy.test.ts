import { describe, expect, it } from "vitest";
import type { ConflictStrategy } from "../protocol/batch.ts";
import { mergeByStrategy, type MergePolicy } from "./merge-by-strategy.ts";

describe("a policy", () => {
  const inputs = { ancestor: { n: 1, tags: ["a"] }, local: { n: 2, tags: ["a", "l"] }, localTimestampMs: 2 };
  const remote = { data: { n: 3, tags: ["l", "a"] }, timestampMs: 1 };
  const policy: MergePolicy = {
    rules: [
      { path: "/n", is: "counter" },
      { path: "/tags", is: "set" },
    ],
  };

  it.each<ConflictStrategy>(["merge", "last-write-wins", "manual"])("holds under %s", (strategy) => {
    expect(mergeByStrategy(strategy, inputs, remote, policy)).toMatchObject({
      kind: "commit",
      document: { n: 4 },
      overlaps: [],
    });
  });

  it.each<ConflictStrategy>(["client-wins", "server-wins"])("does not count under %s", (strategy) => {
    const data = strategy === "client-wins" ? inputs.local : remote.data;
    expect(mergeByStrategy(strategy, inputs, remote, policy)).toMatchObject({
      kind: "commit",
      document: data,
    });
  });
});

describe("a deletion against an edit that the policy leaves to a person", () => {
  const inputs = { ancestor: { a: { n: 1 } }, local: {}, localTimestampMs: 2 };
  const remote = { data: { a: { n: 2 } }, timestampMs: 1 };

  it.each<ConflictStrategy>(["merge", "last-write-wins", "manual", "report"])(
    "is parked under %s",
    (strategy) => {
      const outcome = mergeByStrategy(strategy, inputs, remote, { deleteVsEdit: "park" });
      expect(outcome).toMatchObject({
        kind: "park",
        proposed: { a: { n: 2 } },
        overlaps: [{ path: "/a", undecided: true }],
      });
    },
  );

  it("is committed where the policy decides it", () => {
    expect(mergeByStrategy("merge", inputs, remote, { deleteVsEdit: "delete-wins" })).toStrictEqual({
      kind: "commit",
      document: {},
      overlaps: [{ path: "/a", ancestor: { n: 1 }, remote: { n: 2 }, chosen: "local" }],
      twoWay: false,
    });
  });
});
