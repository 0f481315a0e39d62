import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

type Data = Record<string, unknown>;

const POLICIES = `export default {
  collections: { documents: { rules: [{ path: "/n", is: "counter" }] } },
};`;

let folder: string;
let system: System;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "syncline-rising-"));
  const policies = join(folder, "policies.mjs");
  await writeFile(policies, POLICIES);
  system = await startSystem({ env: { POLICIES: policies, SWEEP_INTERVAL_MS: "200" } });
});
afterAll(async () => {
  await system.stop();
  await rm(folder, { recursive: true });
});

interface Cell {
  what: string;
  before: Data;
  /** The others' document, in version 3, which the device has received before its second edit. */
  seen: Data;
  first: Data;
  second: Data;
  expected: Data | null;
}

const update = (data: Data) => ({ operation: "update", data });
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
    what: "a title that others changed, set back",
    before: { title: "T1" },
    seen: { title: "T2" },
    first: update({ mine: 1 }),
    second: update({ title: "T1" }),
    expected: { title: "T1", mine: 1 },
  },
  {
    what: "an item that others added, removed",
    before: { items: [{ id: "a" }] },
    seen: { items: [{ id: "a" }, { id: "b" }], field: 1 },
    first: update({ mine: 1 }),
    second: {
      operation: "update",
      patch: [
        { op: "remove", path: "/items/1" },
        { op: "remove", path: "/field" },
      ],
    },
    expected: { items: [{ id: "a" }], mine: 1 },
  },
  {
    what: "the document replaced whole",
    before: { s: "open" },
    seen: { s: "shipped" },
    first: update({ mine: 1 }),
    second: { operation: "put", data: { s: "open", mine: 1 } },
    expected: { s: "open", mine: 1 },
  },
  {
    what: "a patch that tests a value that others wrote",
    before: { q: 1 },
    seen: { q: 2 },
    first: update({ mine: 1 }),
    second: {
      operation: "update",
      patch: [
        { op: "test", path: "/q", value: 2 },
        { op: "replace", path: "/q", value: 3 },
      ],
    },
    expected: { q: 3, mine: 1 },
  },
  {
    what: "a row that others moved",
    before: { l: ["a", "b"] },
    seen: { l: ["x", "a", "b"] },
    first: update({ mine: 1 }),
    second: { operation: "update", patch: [{ op: "remove", path: "/l/0" }] },
    expected: { l: ["a", "b"], mine: 1 },
  },
  {
    what: "a deletion",
    before: { n: 1 },
    seen: { n: 2 },
    first: update({ mine: 1 }),
    second: { operation: "delete" },
    expected: null,
  },
];

let ids = 0;
const send = (client: Client, device_id: string, document_id: string, operation: Data, more: Data = {}) =>
  client.post(
    { device_id, ...more, operations: [{ client_id: `c${++ids}`, document_id, ...operation }] },
    more["on_conflict"] === undefined ? { prefer: "respond-async" } : {},
  );
const dataOf = async (client: Client, id: string) =>
  (await client.get<{ data?: Data }>(`/documents/documents/${id}`)).body.data ?? null;

/** Both sides change the price, so that a person is asked if the strategy requires one. */
const priced = (data: Data, price: number) => ({ price, ...data });

async function write(client: Client, id: string, { before, seen }: Cell): Promise<void> {
  const put = (data: Data) => ({ operation: "put", data });
  const wait = { on_conflict: "merge" };
  await send(client, "desktop", id, put(priced(before, 1)), wait);
  await send(client, "laptop", id, update({ price: 2 }), wait);
  await send(client, "laptop", id, put(priced(seen, 2)), wait);
}

describe("an edit of a version that was received after an earlier edit", () => {
  it("is merged from its device's view, once there is a conflict service", async () => {
    const client = await createClient(system);
    await system.syncline.conflict.stop();
    for (const [index, cell] of CELLS.entries()) {
      const id = `open_${index}`;
      await write(client, id, cell);
      await send(client, "phone", id, { ...cell.first, expected_version: 1 });
      await send(client, "phone", id, { ...cell.second, expected_version: 3 });
    }
    await system.syncline.conflict.start();
    await eventually(async () => {
      const { body } = await client.get<{ conflicts: unknown[] }>("/conflicts?status=resolved");
      expect(body.conflicts).toHaveLength(CELLS.length);
    });
    for (const [index, { what, expected, seen, second }] of CELLS.entries()) {
      const price = second["operation"] === "put" ? {} : { price: 2 };
      const document = expected && { ...price, ...expected };
      expect([what, await dataOf(client, `open_${index}`)]).toEqual([what, document]);
      const { body } = await client.get<{ conflicts: { conflict_id: string }[] }>(
        `/conflicts?document_id=open_${index}`,
      );
      const record = await client.get(`/conflicts/${body.conflicts[0]?.conflict_id}`);
      expect(record.body).toMatchObject({ two_way: false, ancestor: priced(seen, 2) });
    }
  });

  it.each(CELLS)("is decided with the earlier parked one, and stays applied: $what", async (cell) => {
    const client = await createClient(system);
    for (const choice of ["server", "local", "merged"] as const) {
      const id = choice;
      await write(client, id, cell);
      const manual = { on_conflict: "manual" };
      const data = { ...(cell.first["data"] as Data), price: 3 };
      const first = await send(client, "phone", id, { ...update(data), expected_version: 1 }, manual);
      expect(first.body.results).toMatchObject([{ status: "conflict", error_type: "parked" }]);
      const second = await send(client, "phone", id, { ...cell.second, expected_version: 3 }, manual);
      const conflictId = second.body.results[0]?.conflict_data?.conflict_id ?? "";
      expect(second.body.results).toMatchObject([{ error_type: "behind_conflict" }]);
      const { expected } = cell;
      const own = cell.second["operation"] === "put" ? expected : null;
      const isServer = choice === "server";
      // The server's side removes the first edit's effect; a document that was put keeps all its fields.
      const { mine: _, ...without } = expected ?? {};
      const kept = isServer && own === null ? { ...without, price: 2 } : { ...expected, price: 3 };
      const document = expected === null ? null : (own ?? kept);
      const preview = await client.get<{ choices: Record<string, { document: unknown }> }>(
        `/conflicts/${conflictId}/preview`,
      );
      expect([choice, preview.body.choices[choice]?.document]).toEqual([choice, document]);
      const decided = await client.resolve(conflictId, { choice, client_id: `decision_${++ids}` });
      expect(decided.status).toBe(200);
      expect([choice, await dataOf(client, id)]).toEqual([choice, document]);
    }
  });
});

describe("the history that a run rises through", () => {
  it("may hold its device's own merges: each of its steps counts once", async () => {
    const client = await createClient(system);
    const wait = { on_conflict: "merge" };
    const add = async (device: string, n: number, expected_version?: number) => {
      const { body } = await send(client, device, "own", { ...update({ n }), expected_version }, wait);
      expect(body.results).toMatchObject([{ status: "success" }]);
    };
    await send(client, "desktop", "own", { operation: "put", data: { n: 10 } }, wait);
    await add("desktop", 20);
    await add("phone", 11, 1);
    await add("desktop", 31);
    await add("phone", 12, 1);
    await add("desktop", 42);
    await add("phone", 13, 1);
    expect(await dataOf(client, "own")).toEqual({ n: 43 });
    await add("desktop", 53);
    // It receives version 4, with its first step; two more have not arrived yet.
    await add("phone", 34, 4);
    expect(await dataOf(client, "own")).toEqual({ n: 54 });
    await add("desktop", 64);
    await add("phone", 35, 5);
    expect(await dataOf(client, "own")).toEqual({ n: 65 });
    await add("desktop", 75);
    // The same in a group: version 6 has all but its second step.
    const group = { ...wait, atomic: true };
    const { body } = await send(client, "phone", "own", { ...update({ n: 46 }), expected_version: 6 }, group);
    expect(body.results).toMatchObject([{ status: "success", merged: true }]);
    expect(await dataOf(client, "own")).toEqual({ n: 76 });
  });

  it("may hold own changes that are not committed yet", async () => {
    const client = await createClient(system);
    const send = (device_id: string, operations: Data[]) =>
      client.post({
        device_id,
        atomic: true,
        on_conflict: "merge",
        operations: operations.map((one) => ({ client_id: `c${++ids}`, document_id: "late", ...one })),
      });
    await send("phone", [{ operation: "put", data: { b: 2, n: { x: 3 } } }]);
    await send("desktop", [update({ n: { x: 1 } })]);
    await send("desktop", [update({ z: 1 })]);
    const { body } = await send("phone", [
      update({ c: 0 }),
      // It deletes a document that it has never seen, and continues from there.
      { operation: "delete", expected_version: 0 },
      // It sees the edit of others in version 2; its own deletion stays.
      { ...update({ a: 1 }), expected_version: 2 },
    ]);
    const record = await client.get(`/conflicts/${body.results[2]?.conflict_id}`);
    expect(record.body).toMatchObject({ ancestor: { n: { x: 1 } }, local: { a: 1, n: { x: 1 } } });
    expect(record.body).not.toHaveProperty("ancestor.b");
  });

  it("may begin before there was a document", async () => {
    const client = await createClient(system);
    const wait = { on_conflict: "merge" };
    const write = (device: string, operation: Data, more: Data = wait) =>
      send(client, device, "anew", operation, more);
    const put = (n: number) => ({ operation: "put", data: { n }, expected_version: 0 });
    // Both have created it, and the phone continues from its own. It has received no result yet.
    await write("desktop", put(10));
    await write("phone", put(1));
    await write("desktop", update({ n: 21 }));
    await write("phone", put(2));
    await write("desktop", update({ n: 32 }));
    expect(await dataOf(client, "anew")).toEqual({ n: 32 });
    // It receives version 3: ten and ten of others, one of its own two. It sees 22, and adds one.
    await write("phone", { ...update({ n: 23 }), expected_version: 3 });
    expect(await dataOf(client, "anew")).toEqual({ n: 33 });
    const group = { ...wait, atomic: true };
    await write("desktop", update({ n: 43 }));
    await write("phone", { ...update({ n: 24 }), expected_version: 3 }, group);
    expect(await dataOf(client, "anew")).toEqual({ n: 44 });
  });

  it("says so in the record if it lacks a version", async () => {
    const client = await createClient(system);
    const cell = CELLS[1];
    if (cell === undefined) throw new Error("no such cell");
    await write(client, "gone", cell);
    const manual = { on_conflict: "manual" };
    await send(client, "phone", "gone", { ...update({ price: 3 }), expected_version: 1 }, manual);
    const second = await send(client, "phone", "gone", { ...cell.second, expected_version: 2 }, manual);
    await system.pool.query("DELETE FROM changes WHERE workspace_id = $1 AND version = 2", [
      client.workspaceId,
    ]);
    const conflictId = second.body.results[0]?.conflict_data?.conflict_id ?? "";
    await client.resolve(conflictId, { choice: "merged", client_id: "decision" });
    expect((await client.get(`/conflicts/${conflictId}`)).body).toMatchObject({ two_way: true });
  });
});
