import { describe, expect, it } from "vitest";
import { TOO_LARGE } from "../document/document-size.ts";
import type { Json } from "../document/json.ts";
import type { ConflictStrategy } from "../merge/conflict-strategy.ts";
import type { MergePolicy } from "../merge/merge-policy.ts";
import { mergeByStrategy } from "./merge-by-strategy.ts";

describe("a policy", () => {
  const inputs = { ancestor: { n: 1, tags: ["a"] }, local: { n: 2, tags: ["a", "l"] }, localTimestampMs: 2 };
  const remote = { data: { n: 3, tags: ["l", "a"] }, timestampMs: 1 };
  const policy: MergePolicy = {
    rules: [
      { path: "/n", is: "counter" },
      { path: "/tags", is: "set" },
    ],
  };

  it.each<ConflictStrategy>(["merge", "last-write-wins", "manual"])("applies under %s", (strategy) => {
    expect(mergeByStrategy(strategy, inputs, remote, policy)).toMatchObject({
      kind: "commit",
      document: { n: 4 },
      overlaps: [],
    });
  });

  it.each<ConflictStrategy>(["client-wins", "server-wins"])("is ignored under %s", (strategy) => {
    const data = strategy === "client-wins" ? inputs.local : remote.data;
    expect(mergeByStrategy(strategy, inputs, remote, policy)).toMatchObject({
      kind: "commit",
      document: data,
    });
  });
});

describe("a merge whose outcome is too large", () => {
  const half = "x".repeat(600_000);
  const inputs = { ancestor: {}, local: { a: half }, localTimestampMs: 2 };
  const remote = { data: { b: half }, timestampMs: 1 };

  it.each<ConflictStrategy>(["merge", "last-write-wins", "manual", "report"])(
    "is parked under %s, with its proposal",
    (strategy) => {
      expect(mergeByStrategy(strategy, inputs, remote)).toStrictEqual({
        kind: "park",
        reason: TOO_LARGE,
        proposed: { a: half, b: half },
        overlaps: [],
      });
    },
  );

  it.each<ConflictStrategy>(["client-wins", "server-wins"])("is committed under %s", (strategy) => {
    expect(mergeByStrategy(strategy, inputs, remote)).toMatchObject({ kind: "commit" });
  });

  it("is committed if the document stays as it was, stored before there was a limit", () => {
    const large = { a: half, b: half };
    const outcome = mergeByStrategy(
      "merge",
      { ...inputs, ancestor: large, local: large },
      { ...remote, data: large },
    );
    expect(outcome).toMatchObject({ kind: "commit", document: large });
  });
});

describe("documents that nest too deep to be merged", () => {
  const nest = (leaf: number) => {
    let value: Json = leaf;
    for (let level = 0; level < 8000; level++) value = [value];
    return { value };
  };

  it.each<ConflictStrategy>(["merge", "last-write-wins", "manual", "report"])(
    "are parked under %s",
    (strategy) => {
      const inputs = { ancestor: nest(1), local: nest(2), localTimestampMs: 1 };
      const outcome = mergeByStrategy(strategy, inputs, { data: nest(3), timestampMs: 2 });
      expect(outcome.kind === "park" && outcome.reason).toContain("nest deeper than 1024 levels");
    },
  );
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

  it("is committed if the policy decides it", () => {
    expect(mergeByStrategy("merge", inputs, remote, { deleteVsEdit: "delete-wins" })).toStrictEqual({
      kind: "commit",
      document: {},
      overlaps: [{ path: "/a", ancestor: { n: 1 }, remote: { n: 2 }, chosen: "local" }],
      twoWay: false,
    });
  });
});
