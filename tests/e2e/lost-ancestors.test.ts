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
/** The document as changed by the laptop. */
const REMOTE = { title: "Theirs", tag: "old", note: "to be removed", done: true };
/** The document that the phone wants; it has removed the note. */
const LOCAL = { title: "Mine", tag: "old" };

/** Lets `phone` send its version of a document that `laptop` has changed, whose version 1 may be gone by then. */
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
  it("is in the history keeps changes that only one side made", async () => {
    const { result, record, data } = await mergeWith({ historyGone: false });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 1 });
    expect(record).toMatchObject({ two_way: false, ancestor: ANCESTOR, remote: REMOTE, local: LOCAL });
    expect(data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("is lost uses the one that was sent along, and ends as with the history", async () => {
    const sent = { ancestor: ANCESTOR };
    const { result, record, data } = await mergeWith({ historyGone: true, operation: sent });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 1 });
    expect(record).toMatchObject({ two_way: false, ancestor: ANCESTOR, remote: REMOTE, local: LOCAL });
    expect(data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("was sent along, but differs from the history's, uses the history's", async () => {
    const sent = { ancestor: { title: "Invented", done: true } };
    const { record, data } = await mergeWith({ historyGone: false, operation: sent });
    expect(record).toMatchObject({ two_way: false, ancestor: ANCESTOR });
    expect(data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("is lost and was not sent is two-way and says so: it keeps the fields of both", async () => {
    const { result, record, data } = await mergeWith({ historyGone: true });
    expect(result).toMatchObject({ status: "success", merged: true, overlaps: 1 });
    expect(record).toMatchObject({
      two_way: true,
      ancestor: null,
      remote: REMOTE,
      local: LOCAL,
      overlaps: [{ path: "/title", remote: "Theirs", local: "Mine", chosen: "local" }],
    });
    // Without the ancestor, the removed note looks like an added one.
    expect(data).toEqual({ title: "Mine", tag: "old", done: true, note: "to be removed" });
  });

  it("is lost lets a patch change only the fields that it names, and remove none", async () => {
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

  it("is lost has the same outcome in a group, which is merged in the drain", async () => {
    const batch = { atomic: true, on_conflict: "merge" };
    const two = await mergeWith({ historyGone: true, batch });
    expect(two.result).toMatchObject({ merged: true, rounds: 0 });
    expect(two.record).toMatchObject({ two_way: true });
    expect(two.data).toEqual({ title: "Mine", tag: "old", done: true, note: "to be removed" });
    const three = await mergeWith({ historyGone: true, batch, operation: { ancestor: ANCESTOR } });
    expect(three.record).toMatchObject({ two_way: false, ancestor: ANCESTOR });
    expect(three.data).toEqual({ title: "Mine", tag: "old", done: true });
  });

  it("is lost is left to a person under manual, with the known sides", async () => {
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
