import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { borrowSystem, createClient, type Client, type System } from "../support/system.ts";

type Data = Record<string, unknown>;

let system: System;
let client: Client;
beforeAll(async () => {
  system = await borrowSystem();
  client = await createClient(system);
});
afterAll(() => system.stop());

/**
 * The phone writes a change that is applied directly, then the laptop writes, then the phone writes again before it has
 * received either: its last received version is 1.
 */
async function goOn(given: { ancestor: Data; first: Data; theirs: Data; second: Data; batch?: Data }) {
  const document_id = randomUUID();
  const write = (device_id: string, operation: Data, batch: Data = {}) =>
    client.post({
      device_id,
      ...batch,
      operations: [{ operation: "update", client_id: randomUUID(), document_id, ...operation }],
    });
  await write("desktop", { operation: "create", data: given.ancestor });
  await write("phone", { ...given.first, expected_version: 1 });
  await write("laptop", { data: given.theirs });
  const { body } = await write("phone", { ...given.second, expected_version: 1 }, given.batch);
  const [result] = body.results;
  const id = result?.conflict_id ?? result?.conflict_data?.conflict_id;
  const record = await client.get<Data>(`/conflicts/${id}`);
  const document = await client.get<{ data: Data }>(`/documents/documents/${document_id}`);
  return { result, record: record.body, data: document.body.data };
}

describe.each([
  ["by itself", {}],
  ["in a group", { atomic: true, on_conflict: "merge" }],
])("a device that continues from an unconfirmed change of its own, %s", (_, batch) => {
  it("changes the row that it saw, and not the one that was there before", async () => {
    const { data, record } = await goOn({
      ancestor: { rows: ["a"] },
      first: { patch: [{ op: "add", path: "/rows/0", value: "x" }] },
      theirs: { other: true },
      second: { patch: [{ op: "replace", path: "/rows/0", value: "y" }] },
      batch,
    });
    expect(data).toEqual({ rows: ["y", "a"], other: true });
    expect(record).toMatchObject({
      ancestor: { rows: ["x", "a"] },
      local: { rows: ["y", "a"] },
      two_way: false,
    });
  });

  it("does not overlap with itself", async () => {
    const { data, result, record } = await goOn({
      ancestor: { title: "New" },
      first: { data: { title: "First" } },
      theirs: { other: true },
      second: { data: { title: "Second" } },
      batch,
    });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 0 });
    expect(record).toMatchObject({ ancestor: { title: "First" }, base_version: 1 });
    expect(data).toEqual({ title: "Second", other: true });
  });
});

it.each(["manual", "last-write-wins", "server-wins"])(
  "does not mistake another device's edit for its own: %s",
  async (on_conflict) => {
    const { data, result } = await goOn({
      ancestor: { title: "New" },
      first: { data: { title: "First" } },
      theirs: { title: "Theirs" },
      second: { data: { title: "Second" } },
      batch: { on_conflict },
    });
    if (on_conflict === "manual") expect(result).toMatchObject({ status: "conflict", error_type: "parked" });
    else expect(result).toMatchObject({ status: "success", merged: true });
    expect(data).toEqual({ title: "Theirs" });
  },
);
