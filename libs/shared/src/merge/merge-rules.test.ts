import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonEqual } from "../document/json-equal.ts";
import type { Json, JsonObject } from "../document/json.ts";
import { canonicalJson } from "../document/canonical-json.ts";
import { mergeDocument, type FieldRule, type MergeOptions } from "../operations/merge-document.ts";

/** Merges three values of one field. */
function mergeField(
  [ancestor, remote, local]: readonly [Json | undefined, Json, Json],
  rule: FieldRule["is"] | undefined,
  options: MergeOptions = {},
) {
  const wrap = (at: Json | undefined): JsonObject => (at === undefined ? {} : { at });
  const rules: FieldRule[] =
    rule === undefined || rule === "items" ? [] : [{ path: "/at", is: rule } satisfies FieldRule];
  const { document, overlaps } = mergeDocument(
    { ancestor: wrap(ancestor), remote: wrap(remote), local: wrap(local) },
    { rules, ...options },
  );
  return { at: document?.["at"], overlaps };
}

describe("a counter", () => {
  it.each<[string, [Json | undefined, Json, Json], Json]>([
    ["adds the amounts that both sides added", [10, 13, 12], 15],
    ["adds the same on both sides twice", [1, 2, 2], 3],
    ["subtracts", [10, 4, 12], 6],
    ["starts at 0 if it is new on both sides", [undefined, 2, 3], 5],
    ["follows the side that changed", [5, 5, 9], 9],
    ["adds decimals exactly", [19.99, 29.99, 24.99], 34.99],
    ["adds decimals of any size", [0.1, 1e21, 0.1], 1e21],
    ["adds the smallest there are", [0, 5e-324, 5e-324], 1e-323],
    ["adds up to whole numbers", [0.1, 0.4, 0.8], 1.1],
  ])("%s", (_, values, sum) => {
    expect(mergeField(values, "counter")).toStrictEqual({ at: sum, overlaps: [] });
  });

  it.each<[string, [Json | undefined, Json, Json]]>([
    ["that became another kind of value", [1, 2, "3"]],
    ["that was another kind of value", ["1", 2, 3]],
    ["whose sum is no number", [-1e308, 1e308, 1.7e308]],
    ["whose sum is no number, the same on both sides", [-1e308, 1e308, 1e308]],
    ["whose sum has too many digits", [0, 2 ** 53, 1]],
    ["whose sum has too many digits, the same on both sides", [0.1, 2 ** 52, 2 ** 52]],
    ["whose sum reaches too far", [0, 1e21, 1e-5]],
  ])("%s is an ordinary value", (_, [ancestor, remote, local]) => {
    expect(mergeField([ancestor, remote, local], "counter")).toMatchObject({
      at: local,
      overlaps: [{ path: "/at", chosen: "local" }],
    });
  });

  it("that was deleted and counted on is an overlap", () => {
    const rules = [{ path: "/at", is: "counter" }] as const;
    const { document, overlaps } = mergeDocument(
      { ancestor: { at: 1 }, remote: {}, local: { at: 2 } },
      { rules },
    );
    expect(document).toStrictEqual({ at: 2 });
    expect(overlaps).toHaveLength(1);
  });

  it("of unknown past is not added up", () => {
    const rules = [{ path: "/at", is: "counter" }] as const;
    const merge = (remote: number, local: number) =>
      mergeDocument({ ancestor: null, remote: { at: remote }, local: { at: local } }, { rules });
    expect(merge(4, 4)).toMatchObject({ document: { at: 4 }, overlaps: [] });
    expect(merge(4, 5)).toMatchObject({ document: { at: 5 }, overlaps: [{ path: "/at" }] });
  });

  it("adds up deep inside equal values of both sides, and no other value doubles", () => {
    const rules = [{ path: "/rows/*/n", is: "counter" }] as const;
    const edited = { rows: [{ id: 1, n: 2, x: "new" }, { id: 2 }], tags: ["a"] };
    const { document, overlaps } = mergeDocument(
      { ancestor: { rows: [{ id: 1, n: 1 }] }, remote: edited, local: structuredClone(edited) },
      { rules },
    );
    expect(document).toStrictEqual({ rows: [{ id: 1, n: 3, x: "new" }, { id: 2 }], tags: ["a"] });
    expect(overlaps).toStrictEqual([]);
  });

  it("of decimals ends at the exact sum, or is an overlap", () => {
    const cents = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
    fc.assert(
      fc.property(cents, cents, cents, fc.nat(6), (ancestor, remote, local, places) => {
        const read = (cents: bigint | number) => Number(`${cents}e-${places}`);
        const sum = BigInt(remote) + BigInt(local) - BigInt(ancestor);
        const { at, overlaps } = mergeField([read(ancestor), read(remote), read(local)], "counter");
        fc.pre(remote !== ancestor && local !== ancestor);
        if (overlaps.length === 0) expect(at).toBe(read(sum));
        else expect(Number.isSafeInteger(Number(sum)) && places === 0).toBe(false);
        if (Math.abs(Number(sum)) < 1e15) expect(overlaps).toStrictEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it("ends at the sum of both sides' differences if the sides are swapped", () => {
    const number = fc.integer({ min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(number, number, number, (ancestor, remote, local) => {
        const merged = mergeField([ancestor, remote, local], "counter");
        expect(merged).toStrictEqual({ at: remote + local - ancestor, overlaps: [] });
        expect(mergeField([ancestor, local, remote], "counter")).toStrictEqual(merged);
        // Merged again with a side as the ancestor, it stays as it is.
        for (const side of [remote, local]) {
          expect(mergeField([side, side, merged.at ?? null], "counter")).toStrictEqual(merged);
        }
      }),
    );
  });
});

describe("a version", () => {
  it.each<[string, [Json | undefined, Json, Json], Json]>([
    ["is the higher one", ["1.2.3", "1.10.0", "1.9.9"], "1.10.0"],
    ["is the higher one if one side went down", ["2.0.0", "1.0.0", "3.0.0"], "3.0.0"],
    ["may have a compatibility prefix", ["^1.2.3", "^1.3.0", "~1.2.4"], "^1.3.0"],
    ["may be new on both sides", [undefined, "v2", "v1.9"], "v2"],
    ["is higher than an earlier release", ["1.0.0-rc.1", "1.0.0-rc.11", "1.0.0-rc.2"], "1.0.0-rc.11"],
    ["is higher when it is released", ["1.0.0-rc.1", "1.0.0", "1.0.0-rc.2"], "1.0.0"],
    ["may have four parts", ["1.2.3.4", "1.2.3.10", "1.2.3.9"], "1.2.3.10"],
    ["follows the side that went down", ["2.0.0", "1.0.0", "2.0.0"], "1.0.0"],
  ])("%s", (_, values, merged) => {
    const [ancestor, remote, local] = values;
    expect(mergeField(values, "version")).toStrictEqual({ at: merged, overlaps: [] });
    expect(mergeField([ancestor, local, remote], "version")).toStrictEqual({ at: merged, overlaps: [] });
  });

  it.each<[string, [Json | undefined, Json, Json]]>([
    ["that is none", ["1.0", "next", "1.1"]],
    ["that is a range", ["1.0", "1.1", ">=1 <3"]],
    ["that is no higher than the other", ["1.0", "1.1", "1.1.0"]],
    ["that is a number", ["1.0", 1.1, 1.2]],
  ])("%s is an ordinary value", (_, values) => {
    expect(mergeField(values, "version")).toMatchObject({ at: values[2], overlaps: [{ path: "/at" }] });
  });

  it("of unknown past is the higher one", () => {
    const rules = [{ path: "/at", is: "version" }] as const;
    const merged = mergeDocument({ ancestor: null, remote: { at: "2.0" }, local: { at: "1.0" } }, { rules });
    expect(merged).toMatchObject({ document: { at: "2.0" }, overlaps: [] });
  });
});

describe("a set", () => {
  const member = fc.constantFrom<Json>("a", "b", "c", 1, "1", null, { x: 1 }, [1], { x: [null] });
  const members = fc.array(member, { maxLength: 6 });
  const membersOnce = fc.uniqueArray(member, { maxLength: 6, selector: canonicalJson });
  const textsOf = (items: readonly Json[]) => new Set(items.map(canonicalJson));

  it.each<[string, [Json | undefined, Json, Json], Json]>([
    ["has the items that both sides added", [["a"], ["a", "r"], ["a", "l"]], ["a", "r", "l"]],
    [
      "has an item once that both sides added, wherever it stands",
      [
        ["a", "b"],
        ["x", "a", "b"],
        ["a", "b", "x"],
      ],
      ["a", "b", "x"],
    ],
    [
      "has no item that a side removed",
      [
        ["a", "b", "c"],
        ["b", "c"],
        ["a", "b"],
      ],
      ["b"],
    ],
    ["knows equal objects", [[], [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]], [{ a: 1, b: 2 }]],
    ["loses duplicates once both sides changed it", [["a"], ["a", "a"], ["a", "b"]], ["a", "b"]],
    [
      "keeps an order that one side made",
      [
        ["a", "b", "c"],
        ["c", "a", "b"],
        ["a", "b", "c", "d"],
      ],
      ["c", "d", "a", "b"],
    ],
    ["may be new on both sides", [undefined, ["a", "b"], ["b", "c"]], ["a", "b", "c"]],
  ])("%s", (_, values, merged) => {
    const { at, overlaps } = mergeField(values, "set");
    expect([...textsOf(at as Json[])].sort()).toStrictEqual([...textsOf(merged as Json[])].sort());
    expect(at).toHaveLength((merged as Json[]).length);
    expect(overlaps).toStrictEqual([]);
  });

  it("has every added and no removed item, once, if the sides are swapped", () => {
    fc.assert(
      fc.property(members, members, members, (ancestor, remote, local) => {
        const before = textsOf(ancestor);
        const [a, b] = [textsOf(remote), textsOf(local)];
        const expected = [...new Set([...a, ...b])].filter(
          (text) => !before.has(text) || (a.has(text) && b.has(text)),
        );
        for (const sides of [
          [ancestor, remote, local],
          [ancestor, local, remote],
        ] as const) {
          const { at, overlaps } = mergeField(sides, "set");
          expect([...textsOf(at as Json[])].sort()).toStrictEqual(expected.sort());
          expect(overlaps).toStrictEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("merged again with either side has the same members", () => {
    fc.assert(
      fc.property(membersOnce, membersOnce, membersOnce, (ancestor, remote, local) => {
        const merged = mergeField([ancestor, remote, local], "set").at as Json[];
        for (const sides of [
          [ancestor, remote, merged],
          [ancestor, merged, local],
        ] as const) {
          expect(textsOf(mergeField(sides, "set").at as Json[])).toStrictEqual(textsOf(merged));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("an array's identity", () => {
  const rules: FieldRule[] = [
    { path: "/orders", is: "items", key: "number" },
    { path: "/orders/*/lines", is: "items", key: "sku" },
  ];

  it("is the key that its rule names, in nested arrays too", () => {
    const line = (sku: string, count: number) => ({ sku, count });
    const { document, overlaps } = mergeDocument(
      {
        ancestor: {
          orders: [
            { number: 1, lines: [line("a", 1), line("b", 1)] },
            { number: 2, lines: [] },
          ],
        },
        remote: {
          orders: [
            { number: 2, lines: [] },
            { number: 1, lines: [line("b", 5), line("a", 1)] },
          ],
        },
        local: {
          orders: [
            { number: 1, lines: [line("a", 7), line("b", 1), line("c", 1)] },
            { number: 2, lines: [] },
          ],
        },
      },
      { rules },
    );
    expect(document).toStrictEqual({
      orders: [
        { number: 2, lines: [] },
        { number: 1, lines: [line("b", 5), line("c", 1), line("a", 7)] },
      ],
    });
    expect(overlaps).toStrictEqual([]);
  });

  it("wins over an id, and the id applies if an item lacks the key", () => {
    const merge = (items: [Json[], Json[], Json[]]) =>
      mergeDocument(
        { ancestor: { orders: items[0] }, remote: { orders: items[1] }, local: { orders: items[2] } },
        { rules },
      ).document;
    expect(
      merge([[{ id: 1, number: "x" }], [{ id: 2, number: "x", r: 1 }], [{ id: 1, number: "x", l: 1 }]]),
    ).toStrictEqual({ orders: [{ id: 2, number: "x", r: 1, l: 1 }] });
    expect(merge([[{ id: 1 }], [{ id: 1, r: 1 }], [{ id: 0 }, { id: 1, l: 1 }]])).toStrictEqual({
      orders: [{ id: 0 }, { id: 1, r: 1, l: 1 }],
    });
  });

  it("that both sides give to a new item makes one item, at the preferred side's place", () => {
    const sides = {
      ancestor: { orders: [{ number: 1 }, { number: 2 }] },
      remote: { orders: [{ number: 9, r: 1 }, { number: 1 }, { number: 2 }] },
      local: { orders: [{ number: 1 }, { number: 2 }, { number: 9, l: 1 }] },
    };
    const both = { number: 9, r: 1, l: 1 };
    expect(mergeDocument(sides, { rules }).document).toStrictEqual({
      orders: [{ number: 1 }, { number: 2 }, both],
    });
    expect(mergeDocument(sides, { rules, prefer: "remote" }).document).toStrictEqual({
      orders: [both, { number: 1 }, { number: 2 }],
    });
  });
});

describe("a value that is left to a person", () => {
  const options = { deleteVsEdit: "park" } as const;

  it.each<[string, Parameters<typeof mergeDocument>[0], JsonObject]>([
    ["a document", { ancestor: { n: 1 }, remote: null, local: { n: 2 } }, { n: 2 }],
    ["a field", { ancestor: { a: { n: 1 } }, remote: { a: { n: 2 } }, local: {} }, { a: { n: 2 } }],
    [
      "an item, deep inside",
      {
        ancestor: { a: [{ id: 1, b: [{ id: 2, n: 1 }] }] },
        remote: { a: [{ id: 1, b: [] }] },
        local: { a: [{ id: 1, b: [{ id: 2, n: 2 }] }] },
      },
      { a: [{ id: 1, b: [{ id: 2, n: 2 }] }] },
    ],
    [
      "a run of items",
      { ancestor: { a: ["x", "y"] }, remote: { a: [] }, local: { a: ["p", "q", "r"] } },
      { a: ["p", "q", "r"] },
    ],
  ])("is reported for %s, and the edit applies meanwhile", (_, sides, document) => {
    const merged = mergeDocument(sides, options);
    expect(merged).toMatchObject({ document, undecided: true });
    expect(merged.overlaps).toMatchObject([{ undecided: true }]);
    expect(mergeDocument(sides).undecided).toBe(false);
  });

  it("is neither an overlap of edits, nor a deletion of an unedited value", () => {
    const merged = mergeDocument(
      { ancestor: { a: 1, b: 1 }, remote: { a: 2, b: 1 }, local: { a: 3 } },
      options,
    );
    expect(merged).toMatchObject({ document: { a: 3 }, undecided: false, overlaps: [{ path: "/a" }] });
  });
});

describe("any documents with any rules", () => {
  const key = fc.constantFrom("a", "b", "id", "__proto__", "constructor", "yjs_state_b64");
  const scalar = fc.constantFrom<Json>(
    null,
    true,
    0,
    -0,
    1,
    2.5,
    -1e308,
    1e308,
    "",
    "x y",
    "AAA=",
    "1",
    "1.2",
  );
  const { json } = fc.letrec<{ json: Json; object: JsonObject }>((tie) => ({
    json: fc.oneof({ maxDepth: 4 }, scalar, tie("object"), fc.array(tie("json"), { maxLength: 4 })),
    object: fc
      .array(fc.tuple(key, tie("json")), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries)),
  }));
  const object = fc
    .array(fc.tuple(key, json), { maxLength: 4 })
    .map((entries): JsonObject => Object.fromEntries(entries));
  const doc = fc.option(object, { freq: 10 });
  const path = fc
    .array(fc.oneof(key, fc.constantFrom("*", "0")), { maxLength: 3 })
    .map((steps) => steps.map((step) => `/${step}`).join(""));
  const rule: fc.Arbitrary<FieldRule> = fc.oneof(
    fc.record({ path, is: fc.constant("items"), key }),
    fc.record({ path, is: fc.constantFrom("set", "counter", "text", "version", "yjs") }),
  );
  const options: fc.Arbitrary<MergeOptions> = fc.record({
    prefer: fc.constantFrom("local", "remote"),
    deleteVsEdit: fc.constantFrom("edit-wins", "delete-wins", "local-wins", "park"),
    rules: fc.array(rule, { maxLength: 4 }),
  });

  it("never throw, are JSON again, and leave the inputs and all prototypes alone", () => {
    fc.assert(
      fc.property(doc, doc, doc, options, (ancestor, remote, local, options) => {
        const before = JSON.stringify([ancestor, remote, local]);
        const { document } = mergeDocument({ ancestor, remote, local }, options);
        expect(JSON.stringify([ancestor, remote, local])).toBe(before);
        expect(jsonEqual(JSON.parse(JSON.stringify(document)) as Json, document)).toBe(true);
        expect(Object.keys(Object.prototype)).toStrictEqual([]);
      }),
      { numRuns: 3000 },
    );
  });

  it("follow the side that changed if the other did not", () => {
    fc.assert(
      fc.property(object, doc, options, (base, edited, options) => {
        for (const [remote, local] of [
          [base, edited],
          [edited, base],
        ] as const) {
          const merged = mergeDocument({ ancestor: base, remote, local }, options);
          // Not strictly: strict equality compares the value under `constructor`, which may be a key here.
          expect(merged).toEqual({ document: edited, overlaps: [], twoWay: false, undecided: false });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("do not overlap if both sides made the same change, counters apart, and end as that", () => {
    fc.assert(
      fc.property(doc, doc, options, (ancestor, edited, options) => {
        const merged = mergeDocument({ ancestor, remote: edited, local: structuredClone(edited) }, options);
        // The sum of two equal steps may exceed the range of a number.
        if (options.rules?.some(({ is }) => is === "counter")) return;
        expect(merged.overlaps).toStrictEqual([]);
        expect(merged.document).toEqual(edited);
      }),
      { numRuns: 1000 },
    );
  });

  it("are undecided exactly if an overlap is", () => {
    fc.assert(
      fc.property(doc, doc, doc, options, (ancestor, remote, local, options) => {
        const { overlaps, undecided } = mergeDocument({ ancestor, remote, local }, options);
        expect(undecided).toBe(overlaps.some((overlap) => overlap.undecided));
        if (options.deleteVsEdit !== "park") expect(undecided).toBe(false);
      }),
    );
  });
});
