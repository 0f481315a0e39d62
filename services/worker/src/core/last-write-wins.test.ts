import type { Json, JsonObject, JsonPatchStep } from "@syncline/shared/document";
import { describe, expect, it } from "vitest";
import { batchEntry, MemoryTables, type GivenOperation } from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";

/** One document that several devices write, under `last-write-wins`. */
class Story {
  readonly tables = new MemoryTables();

  send(device: string, ...operations: GivenOperation[]): void {
    const batch = { device, onConflict: "last-write-wins" as const, operations };
    this.tables.drain(batchEntry(batch));
  }
  /** The conflict service's resolution of the open conflict, on the current tables. */
  merge(isLastRound = false) {
    const open = [...this.tables.conflictById.values()].find(({ status }) => status === "open");
    if (open === undefined) throw new Error("No conflict is open");
    return resolveConflict(this.tables, open, { isLastRound });
  }
  get data(): JsonObject | null | undefined {
    return [...this.tables.documentByKey.values()][0]?.data;
  }
}

function update(data: JsonObject, timestampMs?: number, expectedVersion?: number): GivenOperation {
  return {
    kind: "update",
    data,
    ...(timestampMs !== undefined && { timestampMs }),
    ...(expectedVersion !== undefined && { expectedVersion }),
  };
}
const put = (data: JsonObject, timestampMs?: number): GivenOperation => ({
  ...update(data, timestampMs),
  kind: "put",
});

describe("a merge of edits with and without a time", () => {
  it.each([false, true])("dates no place by another one's time, in the last round: %s", (isLastRound) => {
    const story = new Story();
    story.send("other", put({ a: 0, b: 0 }));
    story.send("other", update({ theirs: 1 }));
    story.send("mine", update({ a: 1 }, 9, 1), update({ b: 1 }, undefined, 1));
    const merged = story.merge(isLastRound);
    if (isLastRound) story.send("other", update({ theirs: 2 }));
    story.tables.drain(merged);
    // Made before the merge was received: newer than the edit of b, which has no time, and older than that of a.
    story.send("third", update({ a: 3, b: 3 }, 8, 2));
    story.tables.drain(story.merge());
    expect(story.data).toEqual({ a: 1, b: 3, theirs: isLastRound ? 2 : 1 });
  });
});

describe("an operation on a version that nobody knows", () => {
  it.each([false, true])("lends no time to a place that it fails to edit: %s", (fails) => {
    const story = new Story();
    story.send("other", put({ n: 0, z: 0 }));
    story.send("other", update({ n: 2 }, 5));
    const patch = [
      { op: "test" as const, path: "/z", value: 0 },
      { op: "replace" as const, path: "/n", value: 7 },
    ];
    story.send("mine", update({ n: 1 }, 3, 1), {
      kind: "update",
      patch,
      expectedVersion: 99,
      timestampMs: 9,
    });
    const merged = story.merge(true);
    if (fails) story.send("other", update({ z: 1 }, 6));
    story.tables.drain(merged);
    expect(story.data).toEqual(fails ? { n: 2, z: 1 } : { n: 7, z: 0 });
  });
});

describe("a device's own edits without a time that take each other back", () => {
  const items = (q: number) => [
    { id: 1, q: 0 },
    { id: 2, q },
  ];
  const BASE = { a: 5, o: { x: 5 }, items: items(5) };
  const replace = (path: string, value: Json): GivenOperation => ({
    kind: "update",
    patch: [{ op: "replace", path, value }],
  });
  const patch = (...steps: JsonPatchStep[]): GivenOperation => ({ kind: "update", patch: steps });

  it.each<[string, GivenOperation[]]>([
    ["merge patches", [update({ a: 1 }), update({ a: 5 })]],
    [
      "merge patches with others between",
      [update({ a: 1 }), update({ z: 1 }), update({ o: { x: 2 } }), update({ a: 5 })],
    ],
    ["merge patches of other places together", [update({ y: 1, a: 1 }), update({ a: 5, z: 1 })]],
    ["JSON Patches", [replace("/a", 1), replace("/a", 5)]],
    ["a JSON Patch and a merge patch", [replace("/a", 1), update({ a: 5 })]],
    [
      "removing and adding",
      [patch({ op: "remove", path: "/a" }), patch({ op: "add", path: "/a", value: 5 })],
    ],
    ["putting the document", [put({ ...BASE, a: 1 }), put(BASE)]],
    ["putting the document after an edit", [update({ a: 1 }), put(BASE)]],
    ["replacing an object around it", [update({ a: { deep: 1 } }), update({ a: 5 })]],
    ["deleting and creating the document", [{ kind: "delete" }, { kind: "create", data: BASE }]],
  ])("take others' earlier time from the place, by %s", (_, own) => {
    expect(mergedAfter(own, { folded: true }, { a: 9 })).toEqual(
      mergedAfter(own, { folded: false }, { a: 9 }),
    );
    expect(mergedAfter(own, { folded: true }, { a: 9 })).toMatchObject({ a: 9 });
  });

  it.each<[string, GivenOperation[]]>([
    ["an item of an array", [replace("/items/1/q", 1), replace("/items/1/q", 5)]],
    ["an array as a whole", [update({ items: items(1) }), update({ items: items(5) })]],
    [
      "an item that moves in between",
      [
        replace("/items/1/q", 1),
        patch({ op: "remove", path: "/items/0" }, { op: "replace", path: "/items/0/q", value: 5 }),
      ],
    ],
  ])("take it from %s", (_, own) => {
    const merged = mergedAfter(own, { folded: true }, { items: items(9) });
    expect(merged).toEqual(mergedAfter(own, { folded: false }, { items: items(9) }));
    expect(merged?.["items"]).toContainEqual({ id: 2, q: 9 });
  });

  it("costs nothing if the places differ", () => {
    const story = new Story();
    story.send("other", put(BASE));
    story.send("mine", update({ a: 1 }), update({ o: { x: 1 } }), replace("/z", 1), replace("/items/0/q", 1));
    expect(story.tables.changes.at(-1)?.editTimes).toBeNull();
  });

  /** The document after another device's edits at time 5, the own ones, and an own edit at time 3 that collides. */
  function mergedAfter(own: GivenOperation[], { folded }: { folded: boolean }, local: JsonObject) {
    const story = new Story();
    story.send("other", put({ ...BASE, a: 0, items: items(0) }));
    story.send("other", update({ a: 5, items: items(5) }, 5));
    if (folded) story.send("mine", ...own);
    else for (const operation of own) story.send("mine", operation);
    const seen = 2 + own.length;
    story.send("other", update({ theirs: 1 }, 1));
    story.send("mine", update(local, 3, 1));
    story.tables.drain(story.merge());
    expect(story.tables.changes[2]?.version).toBe(folded ? seen : 3);
    return story.data;
  }
});
