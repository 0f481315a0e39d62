import type { JsonObject } from "@syncline/shared/document";
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
