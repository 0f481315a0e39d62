import type { ChangesBody, DocumentBody } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { borrowSystem, createClient, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await borrowSystem();
});
afterAll(() => system.stop());

async function rowsOf(table: string): Promise<unknown[]> {
  const order = table === "changes" ? "seq" : "1";
  const sql = `SELECT * FROM ${table} WHERE workspace_id = $1 ORDER BY ${order}`;
  return (await system.pool.query(sql, [client.workspaceId])).rows;
}

describe("a batch", () => {
  const create = {
    device_id: "dev_1",
    operations: [{ operation: "create", client_id: "op_1", document_id: "hello", data: { title: "Hello" } }],
  };

  beforeAll(async () => {
    client = await createClient(system);
  });

  it("is answered with its results, which are in the tables", async () => {
    const { status, body } = await client.post(create);
    expect(status).toBe(200);
    expect(body).toEqual({
      batch_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: "completed",
      total: 1,
      successful: 1,
      failed: 0,
      processing_time_ms: expect.any(Number),
      results: [{ client_id: "op_1", status: "success", document_id: "hello", version: 1, seq: 1 }],
    });
    expect(await rowsOf("documents")).toMatchObject([
      { document_id: "hello", version: 1, data: { title: "Hello" } },
    ]);
    expect(await rowsOf("changes")).toMatchObject([{ seq: 1, version: 1, device_id: "dev_1" }]);
    expect(await rowsOf("operations")).toMatchObject([
      { client_id: "op_1", status: "success", subject: "alice" },
    ]);
    expect(await system.entriesOnLanes()).toBe(0);
  });

  it("has no second effect when it is sent again, and gets the same answer", async () => {
    const before = [await rowsOf("documents"), await rowsOf("changes"), await rowsOf("operations")];
    const { status, body } = await client.post(create);
    expect(status).toBe(200);
    expect(body.results).toEqual([
      { client_id: "op_1", status: "success", document_id: "hello", version: 1, seq: 1, replayed: true },
    ]);
    expect([await rowsOf("documents"), await rowsOf("changes"), await rowsOf("operations")]).toEqual(before);
  });

  it("can be read back, and so can its document, by version", async () => {
    const { body: sent } = await client.post(create);
    const read = await client.getAbsolute(`/api/v1/batches/${sent.batch_id}`);
    expect(read.body).toMatchObject({ status: "completed", results: sent.results });

    const document = await client.get<DocumentBody>("/documents/documents/hello");
    expect(document.body).toMatchObject({
      document_id: "hello",
      version: 1,
      seq: 1,
      data: { title: "Hello" },
    });
    expect(document.headers.get("etag")).toBe('"1"');
    expect((await client.get("/documents/documents/hello", { "if-none-match": '"1"' })).status).toBe(304);
    expect((await client.get("/documents/documents/nope")).status).toBe(404);
  });

  it("is unknown in other workspaces", async () => {
    const { body } = await client.post(create);
    const other = await createClient(system, { subject: "mallory" });
    expect((await other.getAbsolute(`/api/v1/batches/${body.batch_id}`)).status).toBe(404);
  });

  it("is refused to another subject that uses the device's id", async () => {
    const other = await createClient(system, { workspaceId: client.workspaceId, subject: "mallory" });
    expect(await other.post(create)).toMatchObject({
      status: 403,
      body: { type: "urn:syncline:problem:device-taken", retryable: false },
    });
  });

  it("that is atomic is applied whole or not at all, and then answered 409", async () => {
    const { status, body } = await client.post({
      atomic: true,
      operations: [
        { operation: "create", client_id: "a1", document_id: "atomic", data: {} },
        { operation: "update", client_id: "a2", document_id: "never", data: {} },
      ],
    });
    expect(status).toBe(409);
    expect(body.status).toBe("failed");
    expect(body.results.map((result) => result.status)).toEqual(["skipped", "error"]);
    expect((await client.get("/documents/documents/atomic")).status).toBe(404);
  });

  it("moves its deletes to the end, and keeps its results in the order of the request", async () => {
    const { body } = await client.post({
      device_id: "dev_1",
      operations: [
        { operation: "delete", client_id: "z1", document_id: "hello" },
        { operation: "create", client_id: "z2", document_id: "second", data: { n: 2 } },
      ],
    });
    expect(body.results.map((result) => result.client_id)).toEqual(["z1", "z2"]);
    const feed = await client.get<ChangesBody>("/changes?since=1");
    expect(feed.body.changes.map(({ document_id, deleted }) => [document_id, deleted])).toEqual([
      ["second", false],
      ["hello", true],
    ]);
  });

  it("is in the feed, page by page and by collection", async () => {
    await client.post({
      operations: [
        { operation: "put", client_id: "p1", collection: "players", document_id: "ann", data: {} },
      ],
    });
    const first = await client.get<ChangesBody>("/changes?since=0&limit=2");
    expect(first.body).toMatchObject({ more: true, next: 2 });
    const rest = await client.get<ChangesBody>(`/changes?since=${first.body.next}&limit=100`);
    expect(rest.body).toMatchObject({ more: false, next: 4 });
    expect([...first.body.changes, ...rest.body.changes].map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    const players = await client.get<ChangesBody>("/changes?since=0&collections=players");
    expect(players.body.changes.map(({ document_id }) => document_id)).toEqual(["ann"]);
  });
});

describe("an atomic batch that failed", () => {
  it("leaves no operation that could be applied without the others", async () => {
    client = await createClient(system);
    const create = { operation: "create", client_id: "a1", document_id: "atomic", data: {} };
    const failing = { operation: "update", client_id: "a2", document_id: "never", data: {} };
    expect((await client.post({ atomic: true, operations: [create, failing] })).status).toBe(409);

    const alone = await client.post({ operations: [create] });
    expect(alone.body.results).toMatchObject([
      { status: "error", error_type: "client_id_reused", action: "resend-new" },
    ]);
    expect((await client.get("/documents/documents/atomic")).status).toBe(404);
    type Life = Record<"status" | "replayable" | "batch_id" | "request_id", unknown>;
    const life = async () => (await client.get<Life>("/operations/a1")).body;
    expect(await life()).toMatchObject({ status: "skipped", replayable: false });

    const repaired = { operation: "put", client_id: "a3", document_id: "never", data: {} };
    const headers = { "x-request-id": "request-of-the-repaired" };
    const { body } = await client.post({ atomic: true, operations: [create, repaired] }, headers);
    expect(body.status).toBe("completed");
    expect(await life()).toMatchObject({
      status: "success",
      batch_id: body.batch_id,
      request_id: "request-of-the-repaired",
    });
  });
});

describe("two devices that changed the same document", () => {
  beforeAll(async () => {
    client = await createClient(system);
    await client.post({
      device_id: "dev_1",
      operations: [
        { operation: "create", client_id: "c", document_id: "doc", data: { title: "New", body: "" } },
      ],
    });
  });
  const edit = (device: string, data: object, more: object = {}) =>
    client.post({
      device_id: device,
      operations: [
        {
          operation: "update",
          client_id: `edit of ${device}`,
          document_id: "doc",
          data,
          expected_version: 1,
        },
      ],
      ...more,
    });

  it("both succeed if they changed different fields, the second one merged", async () => {
    expect((await edit("dev_2", { title: "Better" })).body.results).toMatchObject([
      { status: "success", version: 2 },
    ]);
    const { status, body } = await edit("dev_3", { body: "Text" });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      { status: "success", version: 3, merged: true, overlaps: 0, rounds: 1 },
    ]);
    const document = await client.get<DocumentBody>("/documents/documents/doc");
    expect(document.body.data).toEqual({ title: "Better", body: "Text" });
  });

  it("get a record that keeps the losing value, if they changed the same field", async () => {
    const { body } = await edit("dev_4", { title: "Mine" });
    expect(body.results).toMatchObject([{ status: "success", merged: true, overlaps: 1 }]);
    const record = await client.get<{ overlaps: unknown[] }>(`/conflicts/${body.results[0]?.conflict_id}`);
    expect(record.body).toMatchObject({
      status: "resolved",
      overlaps: [{ path: "/title", ancestor: "New", remote: "Better", local: "Mine", chosen: "local" }],
    });
  });

  it("get the conflict as the result if the batch asks for a report", async () => {
    const { status, body } = await edit("dev_5", { title: "Reported" }, { on_conflict: "report" });
    expect(status).toBe(200);
    expect(body.results).toMatchObject([
      {
        status: "conflict",
        error: "Version mismatch: expected 1, got 4",
        conflict_data: {
          expected_version: 1,
          current_version: 4,
          conflict_id: expect.any(String),
          conflict_status: "reported",
        },
      },
    ]);
  });

  it("leave the choice to a person under manual, and the lane continues", async () => {
    const { body } = await edit("dev_6", { title: "Parked" }, { on_conflict: "manual" });
    expect(body.results).toMatchObject([{ status: "conflict" }]);
    const parked = await client.get<{ conflicts: unknown[] }>("/conflicts?status=parked");
    expect(parked.body.conflicts).toMatchObject([{ document_id: "doc", device_id: "dev_6" }]);
    expect((await edit("dev_7", { tag: "x" })).body.results).toMatchObject([{ status: "success" }]);
  });
});
