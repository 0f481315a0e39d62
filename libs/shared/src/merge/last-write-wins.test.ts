import { describe, expect, it } from "vitest";
import { applyRun } from "../operations/apply-run.ts";
import type { JsonObject } from "../document/json.ts";
import { mergeByStrategy } from "../operations/merge-by-strategy.ts";
import type { MergePolicy } from "./merge-policy.ts";

/** Documents in the order in which a side wrote them, each with its time. */
type Edits = [data: JsonObject | null, timestampMs?: number][];

function sideOf(ancestor: JsonObject, edits: Edits, policy: MergePolicy) {
  const run = edits.map(([data, timestampMs], index) => ({
    clientId: `${index}`,
    documentId: "doc",
    kind: data === null ? ("delete" as const) : ("put" as const),
    ...(data !== null && { data }),
    ...(timestampMs !== undefined && { timestampMs }),
  }));
  return applyRun(ancestor, run, policy);
}

function merge(ancestor: JsonObject, remote: Edits, local: Edits, policy: MergePolicy = {}) {
  const [theirs, mine] = [sideOf(ancestor, remote, policy), sideOf(ancestor, local, policy)];
  const inputs = { ancestor, local: mine.document, localTimestampMs: null, localTimes: mine.times };
  const outcome = mergeByStrategy(
    "last-write-wins",
    inputs,
    { data: theirs.document, timestampMs: null, times: theirs.times },
    policy,
  );
  if (outcome.kind === "park") throw new Error("last-write-wins left it to a person");
  return outcome;
}

const BASE = { a: 0, b: 0 };

describe("the newer edit of a place", () => {
  it.each<[string, Edits, Edits, JsonObject]>([
    [
      "the run's newest edit is of another place",
      [[{ a: 1, b: 0 }, 10]],
      [
        [{ a: 2, b: 0 }, 9],
        [{ a: 2, b: 2 }, 11],
      ],
      { a: 1, b: 2 },
    ],
    [
      "the server's newest edit is of another place",
      [
        [{ a: 1, b: 0 }, 9],
        [{ a: 1, b: 1 }, 11],
      ],
      [[{ a: 2, b: 0 }, 10]],
      { a: 2, b: 1 },
    ],
    [
      "both edited both",
      [
        [{ a: 1, b: 0 }, 9],
        [{ a: 1, b: 1 }, 12],
      ],
      [[{ a: 2, b: 2 }, 10]],
      { a: 2, b: 1 },
    ],
    [
      "the newest of several edits of it",
      [
        [{ a: 1, b: 0 }, 12],
        [{ a: 3, b: 0 }, 9],
      ],
      [[{ a: 2, b: 0 }, 10]],
      { a: 3, b: 0 },
    ],
    ["equal times", [[{ a: 1, b: 0 }, 10]], [[{ a: 2, b: 0 }, 10]], { a: 1, b: 0 }],
    ["no time on either side", [[{ a: 1, b: 0 }]], [[{ a: 2, b: 0 }]], { a: 1, b: 0 }],
    ["no time on the server", [[{ a: 1, b: 0 }]], [[{ a: 2, b: 0 }, 1]], { a: 2, b: 0 }],
    ["no time on the device", [[{ a: 1, b: 0 }, 1]], [[{ a: 2, b: 0 }]], { a: 1, b: 0 }],
    [
      "the device put the old value back",
      [[{ a: 1, b: 0 }, 10]],
      [
        [{ a: 2, b: 0 }, 9],
        [{ a: 0, b: 0 }, 11],
      ],
      { a: 0, b: 0 },
    ],
    [
      "the server put the old value back",
      [
        [{ a: 1, b: 0 }, 9],
        [{ a: 0, b: 0 }, 11],
      ],
      [[{ a: 2, b: 0 }, 10]],
      { a: 0, b: 0 },
    ],
    [
      "the server put the old value back, but before",
      [
        [{ a: 1, b: 0 }, 8],
        [{ a: 0, b: 0 }, 9],
      ],
      [[{ a: 2, b: 0 }, 10]],
      { a: 2, b: 0 },
    ],
    [
      "the server put the old value back, without a time",
      [[{ a: 1, b: 0 }], [{ a: 0, b: 0 }]],
      [[{ a: 2, b: 0 }]],
      { a: 2, b: 0 },
    ],
    [
      "a put without a change is no edit",
      [
        [{ a: 1, b: 0 }, 9],
        [{ a: 1, b: 0 }, 11],
      ],
      [[{ a: 2, b: 0 }, 10]],
      { a: 2, b: 0 },
    ],
  ])("stands: %s", (_, remote, local, document) => {
    expect(merge(BASE, remote, local).document).toEqual(document);
  });

  it("is looked for inside a place, and around it", () => {
    const base = { o: { x: 0, y: 0 } };
    const inside = merge(
      base,
      [[{ o: 1 }, 10]],
      [
        [{ o: { x: 1, y: 0 } }, 9],
        [{ o: { x: 1, y: 1 } }, 11],
      ],
    );
    expect(inside.document).toEqual({ o: { x: 1, y: 1 } });
    const around = merge(
      base,
      [[{ o: { x: 1, y: 0 } }, 10]],
      [
        [{ o: 5 }, 9],
        [{ o: { x: 0, y: 0 } }, 11],
      ],
    );
    expect(around.document).toEqual({ o: { x: 0, y: 0 } });
  });

  it("is that of an item, wherever it stands", () => {
    const items = (...qs: [number, number][]) => ({ items: qs.map(([id, q]) => ({ id, q })) });
    const { document } = merge(
      items([1, 0], [2, 0]),
      [[items([1, 1], [2, 0]), 10]],
      [
        [items([3, 0], [1, 2], [2, 0]), 9],
        [items([3, 0], [1, 2], [2, 2]), 11],
      ],
    );
    expect(document).toEqual(items([3, 0], [1, 1], [2, 2]));
  });

  it("is that of the order, beside those of the items", () => {
    const items = (...qs: [number, number][]) => ({ items: qs.map(([id, q]) => ({ id, q })) });
    const base = items([1, 0], [2, 0], [3, 0]);
    const remote: Edits = [[items([2, 0], [1, 0], [3, 0]), 10]];
    const local: Edits = [
      [items([3, 0], [1, 0], [2, 0]), 9],
      [items([3, 9], [1, 0], [2, 0]), 11],
    ];
    expect(merge(base, remote, local).document).toEqual(
      merge(base, remote, [[items([3, 9], [1, 0], [2, 0]), 9]]).document,
    );
  });

  it.each<[string, [number?], number, "local" | "remote"]>([
    ["an order without a time is older than each with one", [], 10, "local"],
    ["an order has not the time of an item", [9], 10, "local"],
    ["the newer order stands", [11], 10, "remote"],
  ])("is that of the order, in the record too: %s", (_, theirs, mine, chosen) => {
    const items = (...qs: [number, number][]) => ({ items: qs.map(([id, q]) => ({ id, q })) });
    const remote: Edits = [
      [items([2, 0], [1, 0], [3, 0]), ...theirs],
      [items([2, 0], [1, 0], [3, 9]), 12],
    ];
    const { overlaps } = merge(items([1, 0], [2, 0], [3, 0]), remote, [
      [items([1, 0], [3, 0], [2, 0]), mine],
    ]);
    expect(overlaps).toMatchObject([{ path: "/items", scope: "order", chosen }]);
  });

  it("is the newest of an array without identities, which is one place", () => {
    const { document } = merge(
      { l: [1, 2, 3] },
      [
        [{ l: [1, 7, 8, 3] }, 5],
        [{ l: [1, 7, 9, 3] }, 11],
      ],
      [[{ l: [1, 6, 3] }, 8]],
    );
    expect(document).toEqual({ l: [1, 7, 9, 3] });
  });

  it("is that of an index, in an array that keeps its length", () => {
    const { document } = merge(
      { l: [0, 0] },
      [[{ l: [1, 0] }, 10]],
      [
        [{ l: [2, 0] }, 9],
        [{ l: [2, 2] }, 11],
      ],
    );
    expect(document).toEqual({ l: [1, 2] });
  });

  it("is in the record of the overlap", () => {
    expect(merge(BASE, [[{ a: 1, b: 0 }, 10]], [[{ a: 2, b: 0 }, 9]]).overlaps).toEqual([
      { path: "/a", ancestor: 0, remote: 1, local: 2, chosen: "remote" },
    ]);
  });
});
