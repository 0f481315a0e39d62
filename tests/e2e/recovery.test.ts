import { randomUUID } from "node:crypto";
import { encodeBatch, laneOf, type AcceptedBatch, type BatchResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createClient,
  eventually,
  LANE_COUNT,
  startSystem,
  type Client,
  type System,
} from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem({ workers: 2 });
  client = await createClient(system);
});
afterAll(() => system.stop());

const isDone = (location: string) => async () => {
  const { body } = await client.getAbsolute<BatchResult>(location);
  expect(body.status).not.toMatch(/pending|syncing/);
  return body;
};

describe("a worker that is killed", () => {
  it("loses nothing and applies nothing twice: another one takes its lanes over", async () => {
    const batches = Array.from({ length: 60 }, (_, batch) =>
      Array.from({ length: 20 }, (_, n) => ({
        operation: "update",
        client_id: `k${batch}-${n}`,
        document_id: "counted",
        patch: [{ op: "add", path: "/list/-", value: batch * 20 + n }],
      })),
    );
    await client.post({
      device_id: "dev_1",
      operations: [{ operation: "create", client_id: "k", document_id: "counted", data: { list: [] } }],
    });
    const [victim] = system.syncline.workers;
    const locations: string[] = [];
    for (const [index, operations] of batches.entries()) {
      const answer = await client.post({ device_id: "dev_1", operations }, { prefer: "respond-async" });
      expect(answer.status).toBe(202);
      locations.push(answer.headers.get("location") ?? "");
      if (index === 30) await victim?.kill("SIGKILL");
    }
    for (const location of locations) expect((await eventually(isDone(location))).status).toBe("completed");
    const { body } = await client.get<{ version: number; data: { list: number[] } }>(
      "/documents/documents/counted",
    );
    expect(body.data.list).toEqual(Array.from({ length: 1200 }, (_, n) => n));
    expect(body.version).toBe(1201);
    expect(await system.entriesOnLanes()).toBe(0);
  });
});

describe("an operation that Postgres refuses", () => {
  it("is refused alone: its siblings commit, and the lane continues", async () => {
    const { workspaceId } = client;
    const operations = ["good", "bad", "fine"].map((name, position) => ({
      clientId: `poison-${name}`,
      position,
      kind: "create" as const,
      collection: "documents",
      documentId: name,
      // Ingest would refuse it: jsonb has no U+0000.
      data: { text: name === "bad" ? "\u0000" : name },
      fingerprint: name,
    }));
    const batch: AcceptedBatch = {
      batchId: randomUUID(),
      workspaceId,
      deviceId: "dev_p",
      deviceDeclared: true,
      subject: "alice",
      requestId: "r",
      acceptedAtMs: Date.now(),
      replyTo: "nobody",
      atomic: false,
      operations,
    };
    await system.lanes.appendBatch(laneOf(workspaceId, LANE_COUNT), encodeBatch(batch), {});
    const { results } = await eventually(isDone(`/api/v1/batches/${batch.batchId}`));
    expect(results).toMatchObject([
      { status: "success" },
      {
        status: "error",
        error_type: "operation_refused",
        error: expect.stringContaining("Postgres refuses it"),
      },
      { status: "success" },
    ]);
    expect(
      (await client.post({ operations: [{ operation: "create", client_id: "after", data: {} }] })).status,
    ).toBe(200);
  });
});
