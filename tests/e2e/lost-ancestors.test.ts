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

const ANCESTOR = { title: "New", tag: "old", note: "to be removed" };
/** What the laptop has made of it meanwhile. */
const REMOTE = { title: "Theirs", tag: "old", note: "to be removed", done: true };
/** What the phone wants, which has removed the note. */
const LOCAL = { title: "Mine", tag: "old" };

/** `phone` sends its version of a document that `laptop` has changed, and version 1 of which may be gone by then. */
async function mergeWith(given: { historyGone: boolean; operation?: Data; batch?: Data }) {
  const document_id = randomUUID();
  const write = (device_id: string, operation: Data, batch: Data = {}) =>
    client.post({
      device_id,
      ...batch,
      operations: [{ operation: "put", client_id: randomUUID(), document_id, ...operation }],
    });
  await write("desktop", { data: ANCESTOR });
  await write("laptop", { data: REMOTE });
  if (given.historyGone) {
    await system.pool.query(
      "DELETE FROM changes WHERE workspace_id = $1 AND document_id = $2 AND version = 1",
      [client.workspaceId, document_id],
    );
  }
  const local = { data: LOCAL, expected_version: 1, ...given.operation };
  const { body } = await write("phone", local, given.batch);
  const [result] = body.results;
  const record = await client.get<Data>(`/conflicts/${result?.conflict_id}`);
  const document = await client.get<{ data: Data }>(`/documents/documents/${document_id}`);
  return { result, record: record.body, data: document.body.data };
}

describe("a merge whose ancestor", () => {
  it("is in the history keeps what only one side did", async () => {
    const { result, record, data } = await mergeWith({ historyGone: false });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 1 });
    expect(record).toMatchObject({ two_way: false, ancestor: ANCESTOR, remote: REMOTE, local: LOCAL });
    expect(data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("is lost takes the one that was sent along, and ends as with the history", async () => {
    const sent = { ancestor: ANCESTOR };
    const { result, record, data } = await mergeWith({ historyGone: true, operation: sent });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 1 });
    expect(record).toMatchObject({ two_way: false, ancestor: ANCESTOR, remote: REMOTE, local: LOCAL });
    expect(data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("was sent along, and is another than the history's, takes the history's", async () => {
    const sent = { ancestor: { title: "Invented", done: true } };
    const { record, data } = await mergeWith({ historyGone: false, operation: sent });
    expect(record).toMatchObject({ two_way: false, ancestor: ANCESTOR });
    expect(data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("is lost and was not sent is two-way and says so: it keeps what either has", async () => {
    const { result, record, data } = await mergeWith({ historyGone: true });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 1 });
    expect(record).toMatchObject({
      two_way: true,
      ancestor: null,
      remote: REMOTE,
      local: LOCAL,
      overlaps: [{ path: "/title", remote: "Theirs", local: "Mine", chosen: "local" }],
    });
    // Nobody can tell that the note was removed, and not added.
    expect(data).toEqual({ title: "Mine", tag: "old", done: true, note: "to be removed" });
  });

  it("is lost lets a patch change what it names and nothing else, and remove nothing", async () => {
    const update = { operation: "update", data: { title: "Mine", note: null } };
    const { record, data } = await mergeWith({ historyGone: true, operation: update });
    expect(record).toMatchObject({ two_way: true, local: { title: "Mine", tag: "old", done: true } });
    expect(data).toEqual({ title: "Mine", tag: "old", done: true, note: "to be removed" });
  });

  it.each([
    ["version that is still to come", {}, { expected_version: 9 }],
    ["version of another history", { epoch: "another" }, {}],
  ])("is a %s is two-way, or the one that was sent", async (_, batch, operation) => {
    const two = await mergeWith({ historyGone: false, batch, operation });
    expect(two.record).toMatchObject({ two_way: true, ancestor: null, base_version: null });
    expect(two.data).toEqual({ title: "Mine", tag: "old", done: true, note: "to be removed" });
    const three = await mergeWith({
      historyGone: false,
      batch,
      operation: { ...operation, ancestor: ANCESTOR },
    });
    expect(three.record).toMatchObject({ two_way: false, ancestor: ANCESTOR });
    expect(three.data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("is lost is treated alike in a group, which is merged in the drain", async () => {
    const batch = { atomic: true, on_conflict: "merge" };
    const two = await mergeWith({ historyGone: true, batch });
    expect(two.result).toMatchObject({ merged: true, rounds: 0 });
    expect(two.record).toMatchObject({ two_way: true });
    expect(two.data).toEqual({ title: "Mine", tag: "old", done: true, note: "to be removed" });
    const three = await mergeWith({ historyGone: true, batch, operation: { ancestor: ANCESTOR } });
    expect(three.record).toMatchObject({ two_way: false, ancestor: ANCESTOR });
    expect(three.data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("is lost is left to a person under manual, with what is known", async () => {
    const document_id = randomUUID();
    const put = (device_id: string, data: Data, more: Data = {}, batch: Data = {}) =>
      client.post({
        device_id,
        ...batch,
        operations: [{ operation: "put", client_id: randomUUID(), document_id, data, ...more }],
      });
    await put("laptop", REMOTE);
    const { body } = await put("phone", LOCAL, { expected_version: 9 }, { on_conflict: "manual" });
    const id = body.results[0]?.conflict_data?.conflict_id;
    const record = await client.get(`/conflicts/${id}`);
    expect(record.body).toMatchObject({ status: "parked", ancestor: null, remote: REMOTE, local: LOCAL });
  });
});
