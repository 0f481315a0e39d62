import { env } from "node:process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isJsonObject, type Json } from "../document/json.ts";
import { mergeDocument, type MergeOptions } from "../operations/merge-document.ts";

/** Runs of each property; MERGE_RUNS sets more. */
const numRuns = Number(env["MERGE_RUNS"] ?? 300);

/** A fixed seed: about one of 30,000 random runs moves an insert beside items that both sides moved. */
const REMERGED = env["MERGE_RUNS"] === undefined ? { numRuns, seed: 1 } : { numRuns };

/** Kinds of lists by the identity of their items, each with a function that makes the n-th item. */
const KINDS: Record<string, (n: number) => Json> = {
  strings: (n) => `s${n}`,
  numbers: (n) => n,
  "items with an id": (n) => ({ id: n, v: 0 }),
  "items of which some have an id": (n) => (n % 3 === 2 ? { t: `t${n}`, v: 0 } : { id: n, v: 0 }),
  "items with a name": (n) => ({ name: `n${n}`, v: 0, done: false }),
};

interface Edit {
  readonly kind: "insert" | "remove" | "change" | "move";
  readonly from: number;
  readonly to: number;
  /** The number of a new item. Both sides may insert the same one. */
  readonly isShared: boolean;
}

const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.record({
    kind: fc.constantFrom("insert", "remove", "change", "move", "move"),
    from: fc.nat(7),
    to: fc.nat(7),
    isShared: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Edits a list of unique items, which stay unique. */
function editItems(
  before: readonly Json[],
  edits: readonly Edit[],
  make: (n: number) => Json,
  firstNew: number,
): Json[] {
  const items = [...before];
  edits.forEach(({ kind, from, to, isShared }, index) => {
    const fresh = make(isShared ? 20 : firstNew + index);
    const at = from % (items.length + 1);
    const item = items[at];
    if (kind === "insert") {
      if (!items.some((one) => keyOf(one) === keyOf(fresh))) items.splice(at, 0, fresh);
    } else if (item === undefined) return;
    else if (kind === "remove") items.splice(at, 1);
    else if (kind === "move") items.splice(to % items.length, 0, ...items.splice(at, 1));
    else items[at] = isJsonObject(item) ? { ...item, v: firstNew + index } : make(firstNew + index);
  });
  return items;
}

/** The identity of an item. */
function keyOf(item: Json): string {
  if (!isJsonObject(item)) return JSON.stringify(item);
  const { id, name, t } = item;
  return JSON.stringify([id ?? null, name ?? null, t ?? null]);
}

const options: fc.Arbitrary<MergeOptions> = fc.record({ prefer: fc.constantFrom("remote", "local") });

interface Lists {
  readonly ancestor: Json[];
  readonly remote: Json[];
  readonly local: Json[];
}

function listsOf(make: (n: number) => Json): fc.Arbitrary<Lists> {
  return fc.tuple(fc.nat(6), edits, edits).map(([size, remoteEdits, localEdits]) => {
    const ancestor = Array.from({ length: size }, (_, n) => make(n));
    const remote = editItems(ancestor, remoteEdits, make, 30);
    return { ancestor, remote, local: editItems(ancestor, localEdits, make, 60) };
  });
}

function merge({ ancestor, remote, local }: Lists, options?: MergeOptions) {
  const { document, overlaps } = mergeDocument(
    { ancestor: { list: ancestor }, remote: { list: remote }, local: { list: local } },
    options,
  );
  return { list: document?.["list"] as Json[], overlaps };
}

const cases = Object.entries(KINDS).map(([name, make]) => ({ name, make }));

describe.each(cases)("lists of $name, with moves", ({ name, make }) => {
  const lists = listsOf(make);

  it("keep what all have, lose items that one side removed, and have no item twice", () => {
    fc.assert(
      fc.property(lists, options, (lists, options) => {
        const { list, overlaps } = merge(lists, options);
        const merged = list.map(keyOf);
        const [ancestor, remote, local] = [lists.ancestor, lists.remote, lists.local].map(
          (items) => new Map(items.map((item) => [keyOf(item), JSON.stringify(item)])),
        );
        expect(new Set(merged).size).toBe(merged.length);
        for (const key of new Set([...lists.ancestor, ...lists.remote, ...lists.local].map(keyOf))) {
          const [before, inRemote, inLocal] = [ancestor?.get(key), remote?.get(key), local?.get(key)];
          const isThere = merged.includes(key);
          if (before !== undefined && inRemote !== undefined && inLocal !== undefined) {
            expect(isThere).toBe(true);
          } else if (overlaps.length > 0) continue;
          else if (before === undefined) expect(isThere).toBe(true);
          else if ((inRemote ?? inLocal ?? before) === before) expect(isThere).toBe(false);
        }
      }),
      { numRuns },
    );
  });

  it("stay as they are when a result without overlaps is merged again with either side", () => {
    // An item that lacks the key may be read as the successor of one that it replaced, and then overlaps.
    const isExact = name !== "items of which some have an id";
    fc.assert(
      fc.property(lists, options, (lists, options) => {
        const { list, overlaps } = merge(lists, options);
        if (overlaps.length > 0) return;
        for (const sides of [
          { ...lists, remote: list },
          { ...lists, local: list },
        ]) {
          const again = merge(sides, options);
          if (isExact || again.overlaps.length === 0) expect(again.list).toStrictEqual(list);
        }
      }),
      REMERGED,
    );
  });

  it("have the same items if the sides are swapped", () => {
    fc.assert(
      fc.property(lists, (lists) => {
        const { list, overlaps } = merge(lists);
        if (overlaps.length > 0) return;
        const swapped = merge({ ...lists, remote: lists.local, local: lists.remote });
        expect(swapped.list.map((item) => JSON.stringify(item)).toSorted()).toStrictEqual(
          list.map((item) => JSON.stringify(item)).toSorted(),
        );
      }),
      { numRuns },
    );
  });
});

describe("sorted lists", () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 6, maxLength: 12 });
  const added = fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { maxLength: 4 });
  const shapes: Record<string, (n: number) => Json> = {
    numbers: (n) => n,
    strings: (n) => `k${String(n).padStart(3, "0")}`,
    objects: (n) => ({ slug: `k${String(n).padStart(3, "0")}`, v: n % 3 }),
  };

  it.each(Object.entries(shapes))("of %s stay sorted when both sides insert in order", (_, make) => {
    fc.assert(
      fc.property(numbers, added, added, (numbers, byRemote, byLocal) => {
        const sorted = (...lists: number[][]) =>
          [...new Set(lists.flat())].toSorted((a, b) => a - b).map(make);
        const [ancestor, remote, local] = [
          sorted(numbers),
          sorted(numbers, byRemote),
          sorted(numbers, byLocal),
        ];
        const { list, overlaps } = merge({ ancestor, remote, local });
        expect(overlaps).toStrictEqual([]);
        expect(list).toStrictEqual(sorted(numbers, byRemote, byLocal));
      }),
      { numRuns },
    );
  });
});

it("texts that end in a number are sorted by it if only that order fits", () => {
  const ancestor = ["Item 8", "Item 9", "Item 10", "Item 20", "Item 100"];
  const remote = ["Item 8", "Item 9", "Item 10", "Item 12", "Item 20", "Item 100"];
  const local = ["Item 8", "Item 9", "Item 10", "Item 11", "Item 20", "Item 100"];
  expect(merge({ ancestor, remote, local }).list).toStrictEqual([
    "Item 8",
    "Item 9",
    "Item 10",
    "Item 11",
    "Item 12",
    "Item 20",
    "Item 100",
  ]);
});

it("a combined order that would read as another move when merged again is an overlap", () => {
  const sides = { ancestor: [0, 1, 2, 3], remote: [1, 2, 0, 3], local: [2, 3, 0, 1] };
  const { list, overlaps } = merge(sides);
  expect(list).toStrictEqual(sides.local);
  expect(overlaps).toMatchObject([{ path: "/list", scope: "order", chosen: "local" }]);
});

it("20,000 shuffled objects without identity are 20,000, each once", () => {
  const ancestor = Array.from({ length: 20_000 }, (_, n) => ({ at: [n], v: n % 7 }));
  const shuffle = (step: number) =>
    ancestor.map((_, index) => ancestor[(index * step) % ancestor.length] ?? null);
  const [remote, local] = [shuffle(7_919), shuffle(3_571)];
  const { list } = merge({ ancestor, remote, local });
  expect(list).toHaveLength(20_000);
  expect(new Set(list.map((item) => JSON.stringify(item))).size).toBe(20_000);
});
