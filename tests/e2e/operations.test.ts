import type { OperationResult } from "@syncline/shared";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem();
  client = await createClient(system);
});
afterAll(() => system.stop());

const device_id = "dev_1";
const readLife = (clientId: string, device = device_id) =>
  client.get<Record<string, unknown>>(
    `/operations/${encodeURIComponent(clientId)}?device_id=${encodeURIComponent(device)}`,
  );
const put = (client_id: string, document_id: string, data: object = {}) => ({
  operation: "put",
  client_id,
  document_id,
  data,
});

describe("the life of an operation", () => {
  it("tells when it was accepted, drained and applied, for whom, and in which batch", async () => {
    const { body: batch, headers } = await client.post(
      { device_id, operations: [put("plain", "a"), put("other", "b")] },
      { "x-request-id": "request-7", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
    );
    expect(headers.get("x-request-id")).toBe("request-7");
    const { status, body } = await readLife("plain");
    expect(status).toBe(200);
    expect(body).toEqual({
      client_id: "plain",
      device_id,
      batch_id: batch.batch_id,
      operation: "put",
      collection: "documents",
      document_id: "a",
      status: "success",
      result: { client_id: "plain", status: "success", document_id: "a", version: 1, seq: 1 },
      conflict_id: null,
      subject: "alice",
      request_id: "request-7",
      // Null where nothing is traced.
      trace_id: body["trace_id"],
      accepted_at: expect.stringMatching(/Z$/),
      drained_at: expect.stringMatching(/Z$/),
      settled_at: expect.stringMatching(/Z$/),
      applied: { seq: 1, committed_at: expect.stringMatching(/Z$/) },
      folded_into: null,
      held_behind: null,
      conflict: null,
    });
    expect(new Date(String(body["accepted_at"])) <= new Date(String(body["settled_at"]))).toBe(true);
  });

  it("tells which change it was folded into", async () => {
    await client.post({ device_id, operations: [put("f1", "f", { n: 1 }), put("f2", "f", { n: 2 })] });
    for (const clientId of ["f1", "f2"]) {
      const { body } = await readLife(clientId);
      expect(body["folded_into"]).toEqual({
        seq: (body["result"] as OperationResult).seq,
        first_version: 1,
        version: 2,
      });
    }
  });

  it("shows no change of another document where it wrote nothing", async () => {
    await client.post({
      device_id,
      operations: [{ operation: "delete", client_id: "n", document_id: "none" }],
    });
    expect((await readLife("n")).body).toMatchObject({ status: "success", applied: null, folded_into: null });
  });

  it("of a device that was not declared is found by its subject", async () => {
    await client.post({ operations: [put("anonymous", "c")] });
    const own = await client.get<Record<string, unknown>>("/operations/anonymous");
    expect(own.body).toMatchObject({ device_id: "subject:alice", document_id: "c" });
    expect((await readLife("anonymous")).status).toBe(404);
  });

  it("of one that another device's conflicts with tells the rounds, and what was held behind it", async () => {
    await client.post({ device_id, operations: [put("c1", "doc", { title: "New", body: "" })] });
    const edit = (client_id: string, data: object) => ({
      operation: "update",
      client_id,
      document_id: "doc",
      data,
      expected_version: 1,
    });
    await client.post({ device_id: "dev_2", operations: [edit("c2", { title: "Better" })] });
    const { body: merged } = await client.post({
      device_id: "dev_3",
      operations: [edit("c3", { body: "Text" }), edit("c4", { body: "More" })],
    });
    expect(merged.results).toMatchObject([{ merged: true }, { merged: true }]);
    const { body: first } = await readLife("c3", "dev_3");
    const { body: second } = await readLife("c4", "dev_3");
    const conflictId = merged.results[0]?.conflict_id;
    expect(first).toMatchObject({
      status: "success",
      held_behind: null,
      conflict: { conflict_id: conflictId, status: "resolved", strategy: "merge", round: 1 },
      folded_into: { first_version: 3, version: 4 },
    });
    expect(second).toMatchObject({ held_behind: conflictId, folded_into: { first_version: 3, version: 4 } });
  });

  it("of one that nobody sent is 404, and so is one that is still on its lane: its batch shows it", async () => {
    expect((await readLife("never")).status).toBe(404);
    const [worker] = system.syncline.workers;
    await worker?.stop();
    const { body } = await client.post(
      { device_id, operations: [put("waiting", "w")] },
      { prefer: "respond-async" },
    );
    expect((await readLife("waiting")).status).toBe(404);
    expect((await client.getAbsolute(`/api/v1/batches/${body.batch_id}`)).body).toMatchObject({
      results: [{ client_id: "waiting", status: "pending" }],
    });
    await worker?.start();
    await eventually(async () => expect((await readLife("waiting")).body["status"]).toBe("success"));
  });

  it("belongs to its workspace: a stranger's token is refused, and another workspace does not have it", async () => {
    const token = await system.syncline.token({ other: "admin" });
    const stranger = await createClient(system, { workspaceId: client.workspaceId, token });
    const elsewhere = await createClient(system);
    for (const path of [`/operations/plain?device_id=${device_id}`, "/operations?status=error"]) {
      expect((await stranger.get(path)).status).toBe(403);
    }
    expect((await elsewhere.get(`/operations/plain?device_id=${device_id}`)).status).toBe(404);
    expect((await elsewhere.get("/operations?status=error")).body).toMatchObject({ operations: [] });
  });

  it("is not looked for under what is no id", async () => {
    expect((await readLife("\u0000")).status).toBe(404);
    expect((await readLife("plain", "\u0000")).status).toBe(422);
  });
});

interface Listing {
  operations: { client_id: string; status: string; result: OperationResult }[];
  next: string | null;
  more: boolean;
}

describe("the listing of operations", () => {
  beforeAll(async () => {
    client = await createClient(system);
  });

  it("shows those that failed, newest first, page by page", async () => {
    for (let n = 0; n < 3; n++) {
      await client.post({
        device_id,
        operations: [0, 1].map((m) => ({
          operation: "update",
          client_id: `e${n}${m}`,
          document_id: "never",
          data: {},
        })),
      });
      await client.post({ device_id, operations: [put(`good${n}`, "fine")] });
    }
    const seen: string[] = [];
    let before: string | null = "";
    while (before !== null) {
      const page: string = before === "" ? "" : `&before=${encodeURIComponent(before)}`;
      const { body } = await client.get<Listing>(`/operations?status=error&limit=4${page}`);
      expect(body.more).toBe(body.next !== null);
      for (const { client_id, status, result } of body.operations) {
        expect([status, result.error_type]).toEqual(["error", "document_not_found"]);
        seen.push(client_id);
      }
      before = body.next;
    }
    expect(seen).toEqual(["e21", "e20", "e11", "e10", "e01", "e00"]);
  });

  it("shows those in conflict", async () => {
    await client.post({
      device_id,
      on_conflict: "report",
      operations: [{ ...put("conflicting", "fine"), expected_version: 99 }],
    });
    const { body } = await client.get<Listing>("/operations?status=conflict");
    expect(body).toMatchObject({
      operations: [{ client_id: "conflicting", result: { error_type: "version_ahead" } }],
      next: null,
      more: false,
    });
  });

  it("shows those that wait", async () => {
    await system.syncline.conflict.stop();
    await client.post(
      {
        device_id: "dev_2",
        on_conflict: "merge",
        operations: [{ ...put("pending", "fine"), expected_version: 1 }],
      },
      { prefer: "respond-async" },
    );
    await eventually(async () => {
      const { body } = await client.get<Listing>("/operations?status=pending");
      expect(body.operations).toMatchObject([{ client_id: "pending", status: "pending" }]);
    });
    await system.syncline.conflict.start();
    await eventually(async () => {
      expect((await client.get<Listing>("/operations?status=pending")).body.operations).toEqual([]);
    });
  });

  it("needs a status, one of three, and takes only its own cursors", async () => {
    for (const query of ["", "?status=success", "?status=error&before=abc", "?status=error&limit=0"]) {
      expect([query, (await client.get(`/operations${query}`)).status]).toEqual([query, 422]);
    }
  });
});
