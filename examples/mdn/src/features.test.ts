import { expect, it } from "vitest";
import { collectFeatures, sampleReleases } from "./features.ts";
import type { JsonObject } from "./json.ts";

it("finds every __compat object by its path, also features inside features", () => {
  const tree = {
    __meta: { version: "1.0.0" },
    api: { Node: { __compat: { support: {} }, append: { __compat: { support: { ie: {} } } } } },
  };
  expect([...collectFeatures(tree)]).toEqual([
    ["api.Node", { support: {} }],
    ["api.Node.append", { support: { ie: {} } }],
  ]);
});

it("takes the same sample of both releases", () => {
  const release = (...paths: string[]): Map<string, JsonObject> =>
    new Map(paths.map((path) => [path, { path }]));
  const sample = sampleReleases(release("a", "b", "c", "d"), release("c", "d", "e", "f"), 3);
  expect([...sample.older.keys()]).toEqual(["a", "c"]);
  expect([...sample.newer.keys()]).toEqual(["c", "e"]);
});
