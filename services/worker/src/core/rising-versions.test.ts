import type { JsonObject } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import { documentKey } from "@syncline/shared/protocol";
import { describe, expect, it } from "vitest";
import { batchEntry, MemoryTables, type GivenOperation } from "../testing/memory-tables.ts";
import { resolveConflict } from "../testing/resolve-conflict.ts";

interface Cell {
  what: string;
  /** Version 1; `seen` is version 2, written by others and received by the device. */
  before: JsonObject;
  seen: JsonObject;
  first: GivenOperation;
  second: GivenOperation;
  expected: JsonObject | null;
}

const update = (data: JsonObject): GivenOperation => ({ kind: "update", data });
const CELLS: Cell[] = [
  {
    what: "a counter",
    before: { n: 1000 },
    seen: { n: 800 },
    first: update({ n: 999 }),
    second: update({ n: 798 }),
    expected: { n: 798 },
  },
  {
    what: "a revert of others' changes",
    before: { title: "T1" },
    seen: { title: "T2" },
    first: update({ mine: 1 }),
    second: update({ title: "T1" }),
    expected: { title: "T1", mine: 1 },
  },
  {
    what: "a field that others added, removed",
    before: {},
    seen: { theirs: 1 },
    first: update({ mine: 1 }),
    second: update({ theirs: null }),
    expected: { mine: 1 },
  },
  {
    what: "an item that others added, removed",
    before: { items: [{ id: "a" }] },
    seen: { items: [{ id: "a" }, { id: "b" }] },
    first: update({ mine: 1 }),
    second: { kind: "update", patch: [{ op: "remove", path: "/items/1" }] },
    expected: { items: [{ id: "a" }], mine: 1 },
  },
  {
    what: "the document replaced whole",
    before: { s: "open" },
    seen: { s: "shipped" },
    first: update({ mine: 1 }),
    second: { kind: "put", data: { s: "open", mine: 1 } },
    expected: { s: "open", mine: 1 },
  },
  {
    what: "a patch that tests a value of others",
    before: { q: 1 },
    seen: { q: 2 },
    first: update({ mine: 1 }),
    second: {
      kind: "update",
      patch: [
        { op: "test", path: "/q", value: 2 },
        { op: "replace", path: "/q", value: 3 },
      ],
    },
    expected: { q: 3, mine: 1 },
  },
  {
    what: "a row that others have moved",
    before: { price: 1, l: ["a", "b"] },
    seen: { price: 2, l: ["x", "a", "b"] },
    first: update({ price: 3 }),
    second: { kind: "update", patch: [{ op: "remove", path: "/l/0" }] },
    expected: { price: 3, l: ["a", "b"] },
  },
  {
    what: "a deletion",
    before: { n: 1 },
    seen: { n: 2 },
    first: update({ mine: 1 }),
    second: { kind: "delete" },
    expected: null,
  },
];

/** A device that edits version 1, then receives version 2 and edits that. */
class Story {
  readonly tables = new MemoryTables();
  readonly #cell: Cell;

  constructor(cell: Cell) {
    this.#cell = cell;
    this.tables.policies = { collections: { documents: { rules: [{ path: "/n", is: "counter" }] } } };
    this.other({ kind: "put", data: cell.before });
    this.other({ kind: "put", data: cell.seen });
  }

  get first(): GivenOperation {
    return { ...this.#cell.first, clientId: "first", expectedVersion: 1 };
  }
  get second(): GivenOperation {
    return { ...this.#cell.second, clientId: "second", expectedVersion: 2 };
  }

  other(operation: GivenOperation): void {
    this.tables.drain(batchEntry({ device: "other", operations: [operation] }));
  }
  send(operation: GivenOperation, onConflict: ConflictStrategy = "merge") {
    return this.tables.drain(batchEntry({ device: "mine", onConflict, operations: [operation] }));
  }
  /** The conflict service's resolution of the open conflict, on the current tables. */
  merge(isLastRound = false) {
    const open = [...this.tables.conflictById.values()].find(({ status }) => status === "open");
    return open && resolveConflict(this.tables, open, { isLastRound });
  }
  settle(): void {
    for (let next = this.merge(); next !== undefined; next = this.merge()) this.tables.drain(next);
  }
  get answers() {
    const rows = [...this.tables.ledgerRowByKey.values()].filter(({ deviceId }) => deviceId === "mine");
    return rows.map(({ clientId, status }) => `${clientId} ${status}`);
  }
  get data() {
    return this.tables.documentByKey.get(documentKey("w1", "documents", "doc-1"))?.data;
  }
}

const BOTH = ["first success", "second success"];

describe.each(CELLS)("an edit of a version that was received after an earlier edit: $what", (cell) => {
  it("is merged from its device's view, while the first is being merged", () => {
    const story = new Story(cell);
    story.send(story.first);
    story.send(story.second);
    story.settle();
    expect([story.data, story.answers]).toEqual([cell.expected, BOTH]);
    const [conflict] = story.tables.conflictById.values();
    expect(conflict).toMatchObject({
      baseVersion: 1,
      seenVersion: 2,
      ancestorView: cell.seen,
      twoWay: false,
    });
  });

  it("is merged so by the drain in the last round", () => {
    const story = new Story(cell);
    story.send(story.first);
    story.send(story.second);
    const last = story.merge(true);
    story.other(update({ z: 1 }));
    if (last !== undefined) story.tables.drain(last);
    // An edit of a deleted document stays.
    const expected = cell.expected === null ? { ...cell.seen, z: 1 } : { ...cell.expected, z: 1 };
    expect([story.data, story.answers]).toEqual([expected, BOTH]);
  });

  it("is merged next if it was held after the first was merged", () => {
    const story = new Story(cell);
    story.send(story.first);
    const merged = story.merge();
    story.send(story.second);
    if (merged !== undefined) story.tables.drain(merged);
    story.settle();
    expect([story.data, story.answers]).toEqual([cell.expected, BOTH]);
  });

  it("is evaluated so once the first is merged, and others have written since", () => {
    const story = new Story(cell);
    story.send(story.first);
    story.settle();
    story.other(update({ z: 1 }));
    story.send(story.second);
    story.settle();
    const expected = cell.expected === null ? { ...story.data } : { ...cell.expected, z: 1 };
    expect([story.data, story.answers]).toEqual([expected, BOTH]);
  });

  it("is merged so in a group, once the first is merged, and others have written since", () => {
    const story = new Story(cell);
    story.send(story.first);
    story.settle();
    story.other(update({ z: 1 }));
    const group = { device: "mine", atomic: true, onConflict: "merge" } as const;
    const { batches } = story.tables.drain(batchEntry({ ...group, operations: [story.second] }));
    expect(batches[0]?.results).toMatchObject([{ status: "success", merged: true }]);
    const expected = cell.expected === null ? { ...story.data } : { ...cell.expected, z: 1 };
    expect(story.data).toEqual(expected);
  });

  it("is merged so in one group with the first", () => {
    const story = new Story(cell);
    story.other(update({ z: 1 }));
    const group = { device: "mine", atomic: true, onConflict: "merge" } as const;
    story.tables.drain(batchEntry({ ...group, operations: [story.first, story.second] }));
    const expected = cell.expected === null ? { ...story.data } : { ...cell.expected, z: 1 };
    expect([story.data, story.answers]).toEqual([expected, BOTH]);
  });
});

describe("a run whose device receives its own merges late", () => {
  it("counts each of its steps once, whichever of its merges it has received", () => {
    const tables = new MemoryTables();
    tables.policies = { collections: { documents: { rules: [{ path: "/n", is: "counter" }] } } };
    const send = (device: string, data: JsonObject, expectedVersion?: number) => {
      const operation = { ...update(data), ...(expectedVersion !== undefined && { expectedVersion }) };
      const [opened] = tables.drain(batchEntry({ device, operations: [operation] })).conflicts;
      if (opened?.status === "open") tables.drain(resolveConflict(tables, opened, { isLastRound: false }));
    };
    const data = () => tables.documentByKey.get(documentKey("w1", "documents", "doc-1"))?.data;
    tables.drain(batchEntry({ device: "other", operations: [{ kind: "put", data: { n: 10 } }] }));
    send("other", { n: 20 });
    // Three steps of one each, stacked on version 1; others add ten after each.
    send("mine", { n: 11 }, 1);
    send("other", { n: 31 });
    send("mine", { n: 12 }, 1);
    send("other", { n: 42 });
    send("mine", { n: 13 }, 1);
    expect(data()).toEqual({ n: 43 });
    // It receives version 4, which has its first step and twenty of others, and adds one to the document it then
    // sees.
    expect(tables.changes[3]).toMatchObject({ version: 4, data: { n: 31 } });
    send("other", { n: 53 });
    send("mine", { n: 34 }, 4);
    expect(data()).toEqual({ n: 54 });
    // Then it receives version 5, with two of its steps: two more and one of its own are on their way.
    send("other", { n: 64 });
    send("mine", { n: 35 }, 5);
    expect(data()).toEqual({ n: 65 });
  });
});

describe("a run that began before there was a document", () => {
  it("is merged in a group from its device's view", () => {
    const tables = new MemoryTables();
    const send = (device: string, operation: GivenOperation, atomic = false) =>
      tables.drain(batchEntry({ device, atomic, onConflict: "merge", operations: [operation] }));
    send("other", { kind: "put", data: { theirs: 1 } });
    const [opened] = send("mine", { kind: "create", data: { mine: 1 } }).conflicts;
    if (opened !== undefined) tables.drain(resolveConflict(tables, opened, { isLastRound: false }));
    send("other", update({ z: 1 }));
    // It has not received its merge, but version 1, and removes a field it sees there.
    send("mine", { ...update({ theirs: null }), expectedVersion: 1 }, true);
    const document = tables.documentByKey.get(documentKey("w1", "documents", "doc-1"));
    expect(document?.data).toEqual({ mine: 1, z: 1 });
    expect([...tables.conflictById.values()].at(-1)).toMatchObject({ baseVersion: 0, twoWay: false });
  });
});

describe("the rest of a run whose merge had been computed", () => {
  it("continues from the version that the run before it had risen to", () => {
    const story = new Story(CELLS[0] as Cell);
    story.send(story.first);
    story.send(story.second);
    const merged = story.merge();
    // Stacked on the second operation: the device has received no version since 2.
    story.send({ ...update({ n: 797 }), clientId: "third", expectedVersion: 2 });
    if (merged !== undefined) story.tables.drain(merged);
    expect([...story.tables.conflictById.values()].at(-1)).toMatchObject({
      status: "open",
      baseVersion: 2,
      seenVersion: 2,
      deviceView: { n: 798 },
    });
    story.settle();
    expect(story.data).toEqual({ n: 797 });
  });
});

describe("the run of a conflict", () => {
  it("counts a document that it rises to, once for each version", () => {
    const story = new Story({ ...(CELLS[0] as Cell), seen: { n: 800, text: "x".repeat(1_000) } });
    const bytes = () => [...story.tables.conflictById.values()][0]?.operationBytes ?? 0;
    story.send(story.first);
    const alone = bytes();
    story.send(story.second);
    expect(bytes() - alone).toBeGreaterThan(1_000);
    const risen = bytes();
    story.send({ ...story.second, clientId: "third" });
    expect(bytes() - risen).toBeLessThan(1_000);
  });

  it("marks versions that are not of this history", () => {
    const story = new Story(CELLS[0] as Cell);
    story.send(story.first);
    story.send({ ...story.second, clientId: "ahead", expectedVersion: 9 });
    const foreign = { ...story.second, clientId: "foreign" };
    story.tables.drain(batchEntry({ device: "mine", epoch: "epoch-0", operations: [foreign] }));
    const [run = []] = story.tables.runByConflictId.values();
    expect(run.map(({ operation }) => operation.versionUnknown)).toEqual([undefined, true, true]);
    expect([...story.tables.conflictById.values()]).toMatchObject([{ seenVersion: 1 }]);
    story.settle();
    expect([...story.tables.conflictById.values()]).toMatchObject([{ twoWay: true }]);
  });

  it("keeps the document that it had edited before it deleted it, in the history", () => {
    const story = new Story({ ...(CELLS[1] as Cell), second: { kind: "delete" }, expected: null });
    story.send({ ...story.first, ...update({ title: "Mine" }), expectedVersion: 1 });
    story.send({ ...story.second, expectedVersion: 2 });
    story.settle();
    expect(story.tables.changes.at(-1)).toMatchObject({ data: null, ended: { title: "Mine" } });
  });
});
