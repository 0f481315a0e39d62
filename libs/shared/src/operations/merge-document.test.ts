import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jsonEqual } from "../document/json-equal.ts";
import { isJsonObject, type Json, type JsonObject } from "../document/json.ts";
import { mergeDocument, type Doc, type DocumentMerge, type MergeOptions } from "./merge-document.ts";

/** Keys that often collide, and keys that break code which trusts them. */
const key = fc.constantFrom("a", "b", "id", "__proto__", "constructor", "hasOwnProperty", "a/b~c");
const scalar = fc.constantFrom<Json>(null, true, 0, -0, 1, 2, "", "x", "1");
const objectOf = (value: fc.Arbitrary<Json>): fc.Arbitrary<JsonObject> =>
  fc.array(fc.tuple(key, value), { maxLength: 4 }).map((entries) => Object.fromEntries(entries));
const { json, jsonWithoutArrays } = fc.letrec<{ json: Json; jsonWithoutArrays: Json }>((tie) => ({
  json: fc.oneof({ maxDepth: 4 }, scalar, objectOf(tie("json")), fc.array(tie("json"), { maxLength: 5 })),
  jsonWithoutArrays: fc.oneof({ maxDepth: 4 }, scalar, objectOf(tie("jsonWithoutArrays"))),
}));
const object = objectOf(json);
const tripleOf = (object: fc.Arbitrary<JsonObject>) => {
  const doc = fc.option(object, { freq: 10 });
  return fc.record({ ancestor: doc, remote: doc, local: doc });
};
const doc = fc.option(object, { freq: 10 });
const triple = tripleOf(object);
const options: fc.Arbitrary<MergeOptions> = fc.record({
  prefer: fc.constantFrom("local", "remote"),
  deleteVsEdit: fc.constantFrom("edit-wins", "delete-wins", "local-wins"),
});

interface Case {
  readonly name: string;
  readonly ancestor: Doc;
  readonly remote: Doc;
  readonly local: Doc;
  readonly options?: MergeOptions;
  readonly merged: Doc;
  readonly overlaps?: DocumentMerge["overlaps"];
}

/** Cases of one array, written without the document around it. */
function ofArray(
  name: string,
  [ancestor, remote, local]: readonly [Json, Json, Json],
  merged: Json,
  overlaps: DocumentMerge["overlaps"] = [],
  options: MergeOptions = {},
): Case {
  return {
    name,
    ancestor: { at: ancestor },
    remote: { at: remote },
    local: { at: local },
    merged: { at: merged },
    overlaps,
    options,
  };
}

function merge({ ancestor, remote, local, options }: Case): DocumentMerge {
  return mergeDocument({ ancestor, remote, local }, options);
}

function check(cases: readonly Case[]): void {
  it.each(cases)("$name", (example) => {
    const { document, overlaps } = merge(example);
    expect(document).toStrictEqual(example.merged);
    expect(overlaps).toStrictEqual(example.overlaps ?? []);
  });
}

describe("objects", () => {
  check([
    {
      name: "keep the changes of each side, deeply",
      ancestor: { title: "a", meta: { tags: 1, owner: "x", old: true } },
      remote: { title: "b", meta: { tags: 1, owner: "x", added: 1 } },
      local: { title: "a", meta: { tags: 2, owner: "x", old: true }, mine: {} },
      merged: { title: "b", meta: { tags: 2, owner: "x", added: 1 }, mine: {} },
    },
    {
      name: "let the local value win if both changed it",
      ancestor: { n: 1 },
      remote: { n: 2 },
      local: { n: 3 },
      merged: { n: 3 },
      overlaps: [{ path: "/n", ancestor: 1, remote: 2, local: 3, chosen: "local" }],
    },
    {
      name: "let the remote value win if remote is preferred",
      ancestor: { n: 1 },
      remote: { n: 2 },
      local: { n: 3 },
      options: { prefer: "remote" },
      merged: { n: 2 },
      overlaps: [{ path: "/n", ancestor: 1, remote: 2, local: 3, chosen: "remote" }],
    },
    {
      name: "merge the values that both sides added under one key",
      ancestor: {},
      remote: { at: { x: 1, both: 1 } },
      local: { at: { y: 2, both: 2 } },
      merged: { at: { x: 1, both: 2, y: 2 } },
      overlaps: [{ path: "/at/both", remote: 1, local: 2, chosen: "local" }],
    },
    {
      name: "treat a change of type against an edit as an overlap",
      ancestor: { at: { x: 1 } },
      remote: { at: { x: 2 } },
      local: { at: [1] },
      merged: { at: [1] },
      overlaps: [{ path: "/at", ancestor: { x: 1 }, remote: { x: 2 }, local: [1], chosen: "local" }],
    },
    {
      name: "do not mix two objects that replaced another value",
      ancestor: { at: "none" },
      remote: { at: { x: 2 } },
      local: { at: { y: 3 } },
      merged: { at: { y: 3 } },
      overlaps: [{ path: "/at", ancestor: "none", remote: { x: 2 }, local: { y: 3 }, chosen: "local" }],
    },
    {
      name: "keep an edit of a key that the other side removed",
      ancestor: { at: 1, b: 1 },
      remote: { b: 1 },
      local: { at: 2, b: 1 },
      merged: { b: 1, at: 2 },
      overlaps: [{ path: "/at", ancestor: 1, local: 2, chosen: "local" }],
    },
    {
      name: "escape a key in the pointer",
      ancestor: { "a/b~c": { "": 1 } },
      remote: { "a/b~c": { "": 2 } },
      local: { "a/b~c": { "": 3 } },
      merged: { "a/b~c": { "": 3 } },
      overlaps: [{ path: "/a~1b~0c/", ancestor: 1, remote: 2, local: 3, chosen: "local" }],
    },
    {
      name: "distinguish null from absent",
      ancestor: { a: null, b: 1 },
      remote: { b: 1 },
      local: { a: null, b: null },
      merged: { b: null },
    },
  ]);

  it("keep keys named like inherited properties, without prototype pollution", () => {
    const parse = (text: string) => JSON.parse(text) as JsonObject;
    const { document } = mergeDocument({
      ancestor: parse(`{"__proto__":{"a":1},"constructor":1}`),
      remote: parse(`{"__proto__":{"a":2},"constructor":1,"toString":1}`),
      local: parse(`{"__proto__":{"a":1,"b":3},"constructor":{"prototype":{"x":1}},"hasOwnProperty":2}`),
    });
    expect(JSON.stringify(document)).toBe(
      `{"__proto__":{"a":2,"b":3},"constructor":{"prototype":{"x":1}},"toString":1,"hasOwnProperty":2}`,
    );
    expect(Object.getPrototypeOf(document)).toBe(Object.prototype);
    expect("a" in {}).toBe(false);
  });
});

describe("whole documents", () => {
  const [v1, v2] = [{ n: 1 }, { n: 2 }];
  const kept = (chosen: "remote" | "local", sides: object) => [{ path: "", ...sides, chosen }];
  const locallyDeleted = { ancestor: v1, remote: v2, local: null };
  const remotelyDeleted = { ancestor: v1, remote: null, local: v2 };
  const overlapOf = (deleted: "remote" | "local", chosen: "remote" | "local") =>
    kept(chosen, {
      ancestor: v1,
      [deleted === "remote" ? "local" : "remote"]: v2,
    }) as DocumentMerge["overlaps"];
  check([
    { name: "deleted by both stay deleted", ancestor: v1, remote: null, local: null, merged: null },
    {
      name: "deleted by one and left alone by the other are deleted",
      ...locallyDeleted,
      remote: v1,
      merged: null,
    },
    {
      name: "edited remotely outlive a local delete",
      ...locallyDeleted,
      merged: v2,
      overlaps: overlapOf("local", "remote"),
    },
    {
      name: "edited locally outlive a remote delete",
      ...remotelyDeleted,
      merged: v2,
      overlaps: overlapOf("remote", "local"),
    },
    {
      name: "edited remotely are deleted by a local delete if local wins",
      ...locallyDeleted,
      options: { deleteVsEdit: "local-wins" },
      merged: null,
      overlaps: overlapOf("local", "local"),
    },
    {
      name: "edited locally are deleted by a remote delete if deletes win",
      ...remotelyDeleted,
      options: { deleteVsEdit: "delete-wins" },
      merged: null,
      overlaps: overlapOf("remote", "remote"),
    },
    {
      name: "of unknown ancestor that one side deleted count as deleted there",
      ...remotelyDeleted,
      ancestor: null,
      merged: v2,
      overlaps: [{ path: "", local: v2, chosen: "local" }],
    },
  ]);
});

describe("arrays of items with an identity", () => {
  const [a, b, c, d] = [
    { id: 1, v: "a" },
    { id: 2, v: "b" },
    { id: 3, v: "c" },
    { id: 4, v: "d" },
  ];
  check([
    ofArray(
      "edit the intended row, wherever it moved",
      [
        [a, b],
        [b, a],
        [{ ...a, v: "A" }, b],
      ],
      [b, { ...a, v: "A" }],
    ),
    ofArray(
      "edit the intended row when rows before it are gone",
      [
        [a, b, c],
        [b, c],
        [a, b, { ...c, v: "C" }],
      ],
      [b, { ...c, v: "C" }],
    ),
    ofArray("merge inside an item", [[a], [{ ...a, x: 1 }], [{ ...a, v: "A" }]], [{ id: 1, v: "A", x: 1 }]),
    ofArray(
      "put remote's inserts before local's at one place",
      [
        [a, b],
        [a, { id: "r" }, b],
        [a, { id: "l" }, b],
      ],
      [a, { id: "r" }, { id: "l" }, b],
    ),
    ofArray("keep 1 and '1' apart", [[], [{ id: 1 }], [{ id: "1" }]], [{ id: 1 }, { id: "1" }]),
    ofArray(
      "keep an edited item that the other side removed",
      [
        [a, b, c],
        [a, c],
        [a, { ...b, v: "B" }, c],
      ],
      [a, { ...b, v: "B" }, c],
      [{ path: "/at/1", ancestor: b, local: { ...b, v: "B" }, chosen: "local" }],
    ),
    ofArray(
      "remove an edited item if deletes win",
      [
        [a, b, c],
        [a, c],
        [a, { ...b, v: "B" }, c],
      ],
      [a, c],
      [{ path: "/at/1", ancestor: b, local: { ...b, v: "B" }, chosen: "remote" }],
      { deleteVsEdit: "delete-wins" },
    ),
    ofArray(
      "combine moves of different items",
      [
        [a, b, c, d],
        [b, a, c, d],
        [a, b, d, c],
      ],
      [b, a, d, c],
    ),
    ofArray(
      "agree if two moves are compatible",
      [
        [a, b, c],
        [b, a, c],
        [b, c, a],
      ],
      [b, c, a],
    ),
    ofArray(
      "take the preferred side's place for an item that both moved",
      [
        [a, b, c, d],
        [b, c, a, d],
        [b, c, d, a],
      ],
      [b, c, d, a],
      [
        {
          path: "/at",
          scope: "order",
          ancestor: [a, b, c, d],
          remote: [b, c, a, d],
          local: [b, c, d, a],
          chosen: "local",
        },
      ],
    ),
    ofArray(
      "take remote's place for an item that both moved if remote is preferred",
      [
        [a, b, c, d],
        [b, c, a, d],
        [b, c, d, a],
      ],
      [b, c, a, d],
      [
        {
          path: "/at",
          scope: "order",
          ancestor: [a, b, c, d],
          remote: [b, c, a, d],
          local: [b, c, d, a],
          chosen: "remote",
        },
      ],
      { prefer: "remote" },
    ),
    ofArray(
      "are recognised by a configured key",
      [
        [
          { sku: "x", n: 1 },
          { sku: "y", n: 1 },
        ],
        [{ sku: "y", n: 2 }],
        [{ sku: "y", n: 1 }, { sku: "x", n: 1 }, { sku: "z" }],
      ],
      [{ sku: "y", n: 2 }, { sku: "z" }],
      [],
      { arrayKeys: ["id", "sku"] },
    ),
    ofArray(
      "merge as a sequence when an identity is used twice",
      [
        [a, b],
        [a, a, b],
        [a, b, c],
      ],
      [a, a, b, c],
    ),
    ofArray("merge as a sequence when an item has none", [[a, "x"], ["x"], [a, "x", b]], ["x", b]),
  ]);
});

describe("arrays as sequences", () => {
  check([
    ofArray(
      "keep every insert, remote's first, the same one once",
      [
        ["a", "b"],
        ["a", "r", "same", "b"],
        ["a", "same", "l", "b", "end"],
      ],
      ["a", "r", "same", "l", "b", "end"],
    ),
    ofArray(
      "keep an insert next to an item that the other side removed",
      [["a", "b"], ["a"], ["a", "b", "x"]],
      ["a", "x"],
    ),
    ofArray(
      "keep edits that touch",
      [
        [1, 2],
        [5, 2],
        [1, 8],
      ],
      [5, 8],
    ),
    ofArray(
      "choose if both changed one item",
      [
        [1, 2, 3],
        [1, 7, 3],
        [1, 8, 3],
      ],
      [1, 8, 3],
      [{ path: "/at/1", ancestor: 2, remote: 7, local: 8, chosen: "local" }],
    ),
    ofArray(
      "choose if both changed an object without identity",
      [[{ x: 1, y: 1, z: 1 }], [{ x: 2, y: 1, z: 1 }], [{ x: 1, y: 2, z: 1 }]],
      [{ x: 1, y: 2, z: 1 }],
      [
        {
          path: "/at/0",
          ancestor: { x: 1, y: 1, z: 1 },
          remote: { x: 2, y: 1, z: 1 },
          local: { x: 1, y: 2, z: 1 },
          chosen: "local",
        },
      ],
    ),
    ofArray(
      "recognise a changed object beside an inserted one",
      [[{ x: 1, y: 1 }], [{ new: 1 }, { x: 2, y: 1 }], [{ x: 1, y: 2 }]],
      [{ new: 1 }, { x: 1, y: 2 }],
      [
        {
          path: "/at/1",
          ancestor: { x: 1, y: 1 },
          remote: { x: 2, y: 1 },
          local: { x: 1, y: 2 },
          chosen: "local",
        },
      ],
    ),
    ofArray(
      "choose one of two rewrites, and record the run",
      [
        ["a", "b", "c", "d"],
        ["a", "r", "d", "R"],
        ["a", "l", "m", "n", "d"],
      ],
      ["a", "r", "d", "R"],
      [
        {
          path: "/at/1",
          scope: "run",
          ancestor: ["b", "c"],
          remote: ["r"],
          local: ["l", "m", "n"],
          chosen: "remote",
        },
      ],
      { prefer: "remote" },
    ),
    ofArray(
      "keep an insert into a run that the other side rewrote",
      [
        ["a", "b", "c", "d"],
        ["a", "r", "d"],
        ["a", "b", "x", "c", "d"],
      ],
      ["a", "r", "x", "d"],
    ),
    ofArray(
      "let a rewrite win if the other side removed the run",
      [["a", "b", "c"], ["a"], ["a", "l", "m", "n"]],
      ["a", "l", "m", "n"],
      [
        {
          path: "/at/1",
          scope: "run",
          ancestor: ["b", "c"],
          remote: [],
          local: ["l", "m", "n"],
          chosen: "local",
        },
      ],
    ),
    ofArray(
      "treat two rewrites as one edit if one continues the other",
      [["a", "b", "c"], ["x"], ["x", "y"]],
      ["x", "y"],
    ),
    ofArray(
      "take the removal that only one side added to the same rewrite",
      [
        ["a", "b", "c"],
        ["a", "x"],
        ["a", "b", "x"],
      ],
      ["a", "x"],
    ),
    ofArray(
      "have an item once if one side inserted it and the other's rewrite has it at the same place",
      [
        ["tunnel", "width"],
        ["name", "passage", "width"],
        ["name", "tunnel", "width"],
      ],
      ["name", "passage", "width"],
    ),
    ofArray("insert no null into sparse edits", [[1, 2, 3, 4], [4], [1, 2, 3, 4, 5]], [4, 5]),
    ofArray(
      "keep repeated items apart",
      [
        [0, 0],
        [0, 0, 0],
        [0, 0],
      ],
      [0, 0, 0],
    ),
  ]);
});

describe("without an ancestor", () => {
  check([
    {
      name: "keeps values of one side alone and chooses if they differ",
      ancestor: null,
      remote: { r: 1, n: 1, rows: [{ id: 1, x: 1 }, { id: 2 }], tags: ["a", "b"] },
      local: { l: 1, n: 2, rows: [{ id: 3 }, { id: 1, y: 1 }], tags: ["b", "c"] },
      merged: {
        r: 1,
        n: 2,
        rows: [{ id: 3 }, { id: 1, x: 1, y: 1 }, { id: 2 }],
        tags: ["a", "b", "c"],
        l: 1,
      },
      overlaps: [{ path: "/n", remote: 1, local: 2, chosen: "local" }],
    },
  ]);

  it("reports that it was two-way", () => {
    expect(mergeDocument({ ancestor: null, remote: {}, local: {} }).twoWay).toBe(true);
    expect(mergeDocument({ ancestor: {}, remote: {}, local: {} }).twoWay).toBe(false);
  });
});

describe("any documents", () => {
  it("never throw, and leave the inputs alone", () => {
    fc.assert(
      fc.property(triple, options, (sides, options) => {
        const before = JSON.stringify(sides);
        mergeDocument(sides, options);
        expect(JSON.stringify(sides)).toBe(before);
      }),
    );
  });

  it("follow the side that changed if the other did not", () => {
    fc.assert(
      fc.property(object, doc, options, (base, edited, options) => {
        for (const sides of [
          { ancestor: base, remote: base, local: edited },
          { ancestor: base, remote: edited, local: base },
        ]) {
          expect(mergeDocument(sides, options)).toStrictEqual({
            document: edited,
            overlaps: [],
            twoWay: false,
            undecided: false,
          });
        }
      }),
    );
  });

  it("do not overlap if both sides made the same change", () => {
    fc.assert(
      fc.property(doc, doc, options, (ancestor, edited, options) => {
        const { document, overlaps } = mergeDocument({ ancestor, remote: edited, local: edited }, options);
        expect(document).toStrictEqual(edited);
        expect(overlaps).toStrictEqual([]);
      }),
    );
  });

  it("keep all edits of different keys, whichever side made them", () => {
    const edits = fc.dictionary(fc.stringMatching(/^[a-f]$/), json);
    fc.assert(
      fc.property(edits, edits, edits, (shared, remoteEdits, localEdits) => {
        const prefixed = (prefix: string, entries: JsonObject) =>
          Object.fromEntries(Object.entries(entries).map(([key, value]) => [prefix + key, value]));
        const ancestor = { ...prefixed("r", shared), ...prefixed("l", shared) };
        const remote = { ...ancestor, ...prefixed("r", remoteEdits) };
        const local = { ...ancestor, ...prefixed("l", localEdits) };
        const expected = { ...remote, ...prefixed("l", localEdits) };
        for (const sides of [
          { ancestor, remote, local },
          { ancestor, remote: local, local: remote },
        ]) {
          const { document, overlaps } = mergeDocument(sides);
          expect(overlaps).toStrictEqual([]);
          expect(jsonEqual(document, expected)).toBe(true);
        }
      }),
    );
  });

  it("without arrays are merged once: merging the result again changes no value", () => {
    fc.assert(
      fc.property(tripleOf(objectOf(jsonWithoutArrays)), options, (sides, options) => {
        const { document } = mergeDocument(sides, options);
        const again = mergeDocument({ ...sides, local: document }, options);
        expect(jsonEqual(again.document, document)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("hold the chosen value of every overlap at its path", () => {
    fc.assert(
      fc.property(triple, options, (sides, options) => {
        const { document, overlaps } = mergeDocument(sides, options);
        for (const overlap of overlaps) {
          const chosen = overlap[overlap.chosen];
          if (overlap.scope === undefined && chosen !== undefined) {
            expect(valueAt(document, overlap.path)).toStrictEqual(chosen);
          }
          if (overlap.scope === "run" && Array.isArray(chosen)) {
            const slash = overlap.path.lastIndexOf("/");
            const start = Number(overlap.path.slice(slash + 1));
            const array = valueAt(document, overlap.path.slice(0, slash)) as Json[];
            expect(array.slice(start, start + chosen.length)).toStrictEqual(chosen);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

function valueAt(document: Json, pointer: string): Json | undefined {
  let value: Json | undefined = document;
  for (const token of pointer.split("/").slice(1)) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) value = value[Number(key)];
    else value = isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  }
  return value;
}

describe("any arrays", () => {
  interface Edit {
    readonly deleted: number[];
    readonly inserted: number[];
    readonly swapped: [number, number][];
  }
  const edit: fc.Arbitrary<Edit> = fc.record({
    deleted: fc.uniqueArray(fc.nat(7)),
    inserted: fc.array(fc.nat(8), { maxLength: 4 }),
    swapped: fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 2 }),
  });
  const size = fc.nat(8);

  function editArray(items: readonly Json[], edit: Edit, make: (n: number) => Json): Json[] {
    const edited = [...items];
    for (const [i, j] of edit.swapped) {
      const [a, b] = [edited[i], edited[j]];
      if (a !== undefined && b !== undefined) [edited[i], edited[j]] = [b, a];
    }
    const kept = edited.filter((_, index) => !edit.deleted.includes(index));
    edit.inserted.forEach((at, n) => kept.splice(Math.min(at, kept.length), 0, make(n)));
    return kept;
  }

  it("with identities keep every insert of either side, every item once, and no item that was removed", () => {
    fc.assert(
      fc.property(size, edit, edit, options, (size, remoteEdit, localEdit, options) => {
        const ancestor = Array.from({ length: size }, (_, n) => ({ id: n }));
        const remote = editArray(ancestor, remoteEdit, (n) => ({ id: `r${n}` }));
        const local = editArray(ancestor, localEdit, (n) => ({ id: `l${n}` }));
        const merged = mergeItems({ ancestor, remote, local }, options).map((item) => JSON.stringify(item));
        const texts = (items: readonly Json[]) => new Set(items.map((item) => JSON.stringify(item)));
        const [a, r, l] = [texts(ancestor), texts(remote), texts(local)];
        const expected = [...new Set([...r, ...l])].filter(
          (text) => !a.has(text) || (r.has(text) && l.has(text)),
        );
        expect([...merged].sort()).toStrictEqual(expected.sort());
      }),
    );
  });

  it("with identities, merged again, stay as they are when one side alone moved items", () => {
    fc.assert(
      fc.property(size, edit, edit, fc.boolean(), options, (size, stays, moves, remoteMoves, options) => {
        const ancestor = Array.from({ length: size }, (_, n) => ({ id: n }));
        const [remoteEdit, localEdit] = remoteMoves
          ? [moves, { ...stays, swapped: [] }]
          : [{ ...stays, swapped: [] }, moves];
        const remote = editArray(ancestor, remoteEdit, (n) => ({ id: `r${n}` }));
        const local = editArray(ancestor, localEdit, (n) => ({ id: `l${n}` }));
        const merged = mergeItems({ ancestor, remote, local }, options);
        expect(mergeItems({ ancestor, remote, local: merged }, options)).toStrictEqual(merged);
      }),
      { numRuns: 1000 },
    );
  });

  it("without identities keep every insert, in each side's order", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2)), edit, edit, (ancestor, remoteEdit, localEdit) => {
        const remote = editArray(ancestor, { ...remoteEdit, deleted: [], swapped: [] }, (n) => `r${n}`);
        const local = editArray(ancestor, { ...localEdit, deleted: [], swapped: [] }, (n) => `l${n}`);
        const merged = mergeItems({ ancestor, remote, local });
        const without = (side: string) =>
          merged.filter((item) => typeof item !== "string" || !item.startsWith(side));
        expect(without("l")).toStrictEqual(remote);
        expect(without("r")).toStrictEqual(local);
      }),
    );
  });

  it("without identities, merged again with either side, stay as they are if there was no overlap", () => {
    // An item in the place of another may be read as a change of it, and is then an overlap of its own.
    const pure = fc.oneof(
      edit.map(({ inserted }) => ({ inserted, deleted: [], swapped: [] })),
      edit.map(({ deleted }) => ({ inserted: [], deleted, swapped: [] })),
    );
    fc.assert(
      fc.property(size, pure, pure, options, (size, remoteEdit, localEdit, options) => {
        const ancestor = Array.from({ length: size }, (_, n) => n);
        const remote = editArray(ancestor, remoteEdit, (n) => `r${n}`);
        const local = editArray(ancestor, localEdit, (n) => `l${n}`);
        const mergeAt = (remote: Json[], local: Json[]) =>
          mergeDocument(
            { ancestor: { at: ancestor }, remote: { at: remote }, local: { at: local } },
            options,
          );
        const { document, overlaps } = mergeAt(remote, local);
        fc.pre(overlaps.length === 0);
        const merged = document?.["at"] as Json[];
        for (const again of [mergeAt(remote, merged), mergeAt(merged, local)]) {
          if (again.overlaps.length === 0) expect(again.document).toStrictEqual(document);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("without identities keep every item that is in no overlap", () => {
    fc.assert(
      fc.property(size, edit, edit, options, fc.boolean(), (size, remoteEdit, localEdit, options, twoWay) => {
        const ancestor = Array.from({ length: size }, (_, n) => n);
        const remote = editArray(ancestor, remoteEdit, (n) => `r${n}`);
        const local = editArray(ancestor, localEdit, (n) => `l${n}`);
        const sides = {
          ancestor: twoWay ? null : { at: ancestor },
          remote: { at: remote },
          local: { at: local },
        };
        const { document, overlaps } = mergeDocument(sides, options);
        const known = JSON.stringify([document, overlaps]);
        const added = [...remote, ...local].filter((item) => twoWay || typeof item === "string");
        for (const item of added) expect(known).toContain(JSON.stringify(item));
      }),
    );
  });

  function mergeItems(
    { ancestor, remote, local }: Record<"ancestor" | "remote" | "local", readonly Json[]>,
    options?: MergeOptions,
  ): Json[] {
    const wrap = (items: readonly Json[]) => ({ at: [...items] });
    const { document } = mergeDocument(
      { ancestor: wrap(ancestor), remote: wrap(remote), local: wrap(local) },
      options,
    );
    return document?.["at"] as Json[];
  }
});

describe("large documents", () => {
  const keys = (count: number, edit: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`key ${n}`, n % 10 === edit ? -n : n]));
  const items = (count: number, edit: number) =>
    Array.from({ length: count }, (_, n) => (n % 100 === edit ? `new ${edit} ${n}` : `item ${n}`));
  const rows = (count: number, edit: number) =>
    Array.from({ length: count }, (_, id) => ({ id, text: id % 10 === edit ? `new ${edit}` : "old" }));

  it.each([
    ["keys", keys],
    ["items of a sequence", items],
    ["items with an identity", rows],
  ])("take about linear time: %s", { timeout: 240_000 }, (_, make) => {
    // Linear time takes seconds, quadratic time hours.
    const [ancestor = null, remote = null, local = null] = [-1, 3, 7].map((edit) => ({
      at: make(100_000, edit) as Json,
    }));
    expect(mergeDocument({ ancestor, remote, local }).overlaps).toStrictEqual([]);
  });

  it("nest to 1,000 levels", () => {
    const nest = (leaf: Json) => {
      let value = leaf;
      for (let level = 0; level < 1000; level++) value = level % 2 ? [value] : { value };
      return { value };
    };
    const { document, overlaps } = mergeDocument({
      ancestor: nest(1),
      remote: nest({ r: 1 }),
      local: nest(1),
    });
    expect(document).toStrictEqual(nest({ r: 1 }));
    expect(overlaps).toStrictEqual([]);
  });

  it("that nest too deep to be merged are left to a person", () => {
    const nest = (leaf: Json, levels: number) => {
      let value = leaf;
      for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { value };
      return { value };
    };
    for (const levels of [1100, 8000, 100_000]) {
      const sides = { ancestor: nest(1, levels), remote: nest(2, levels), local: nest(3, levels) };
      for (const prefer of ["local", "remote"] as const) {
        const { document, overlaps, undecided, error } = mergeDocument(sides, { prefer });
        expect(document).toBe(sides[prefer]);
        expect(overlaps).toMatchObject([{ path: "", chosen: prefer, undecided: true }]);
        expect({ undecided, error }).toStrictEqual({ undecided: true, error: "nested_too_deep" });
      }
    }
  });

  it("may have more items than a call takes arguments", () => {
    const many = Array.from({ length: 200_000 }, (_, n) => n);
    const { document } = mergeDocument({
      ancestor: { at: [] },
      remote: { at: many },
      local: { at: ["first"] },
    });
    expect(document?.["at"]).toHaveLength(200_001);
  });
});
