import { randomUUID } from "node:crypto";
import type { BatchFeed, BatchResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { borrowSystem, createClient, type Answer, type Client, type System } from "../support/system.ts";

let system: System;
beforeAll(async () => {
  system = await borrowSystem();
});
afterAll(() => system.stop());

let client: Client;
beforeEach(async () => {
  client = await createClient(system);
});

/** Sends a put of each document in one batch, with the parameters of the feed. */
async function send(
  query: string,
  documentIds: string[],
  more: { batch?: object; prefer?: string } = {},
): Promise<Answer<BatchResult & BatchFeed>> {
  const token = await system.syncline.token({ [client.workspaceId]: "writer" });
  const operations = documentIds.map((document_id) => ({
    operation: "put",
    client_id: randomUUID(),
    document_id,
    data: {},
  }));
  const response = await fetch(`${system.syncline.ingestUrl}/api/v1/documents/batch?${query}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      ...(more.prefer !== undefined && { prefer: more.prefer }),
    },
    body: JSON.stringify({ workspace_id: client.workspaceId, device_id: "phone", operations, ...more.batch }),
  });
  const body = (await response.json()) as BatchResult & BatchFeed;
  return { status: response.status, headers: response.headers, body };
}

it("brings the page of the feed along, with the batch's own changes and their outcomes", async () => {
  await client.post({
    device_id: "laptop",
    operations: [{ operation: "put", client_id: "theirs", document_id: "theirs", data: {} }],
  });
  const { status, body } = await send("since=0", ["mine"]);
  expect(status).toBe(200);
  const [result] = body.results;
  const own = [result?.client_id];
  expect(body.feed?.changes.map((change) => [change.document_id, change.client_ids])).toEqual([
    ["theirs", []],
    ["mine", own],
  ]);
  expect(body.feed?.settled?.map(({ client_id }) => client_id)).toEqual(own);
  const page = await client.get("/changes?since=0&device_id=phone");
  expect(body.feed).toEqual(page.body);
});

it("takes the feed's parameters, and is bounded like a page", async () => {
  await send("", ["a", "b", "c"]);
  const { feed } = (await send("since=1&limit=1&collections=documents", ["d"])).body;
  expect(feed).toMatchObject({ changes: [{ seq: 2 }], next: 2, more: true });
  expect((await send("", ["e"])).body).not.toHaveProperty("feed");
  expect((await send("since=0&limit=1001", ["f"])).status).toBe(422);
});

it("applies the batch also if the feed cannot be read from there, and says why", async () => {
  const ahead = await send("since=99", ["a"]);
  expect(ahead.body).toMatchObject({
    status: "completed",
    feed_problem: { type: "urn:syncline:problem:cursor-ahead", status: 410 },
  });
  expect(ahead.body).not.toHaveProperty("feed");
  const other = await send("since=0&epoch=another", ["a"]);
  expect(other.body.feed_problem).toMatchObject({ type: "urn:syncline:problem:epoch-changed" });
});

it("brings no page with a batch that is not applied yet, but with one that failed whole", async () => {
  const pending = await send("since=0", ["a"], { prefer: "respond-async" });
  expect(pending.status).toBe(202);
  expect(pending.body).not.toHaveProperty("feed");
  const operations = [{ operation: "update", client_id: randomUUID(), document_id: "none", data: {} }];
  const failed = await send("since=0", [], { batch: { atomic: true, operations } });
  expect(failed.status).toBe(409);
  expect(failed.body).toHaveProperty("feed.changes");
});

it.each([
  ["limit=7&collections=a", "/collections"],
  ["latest=true", "/latest"],
  ["wait=1&since=0", "/wait"],
  ["device_id=phone&since=0", "/device_id"],
])("refuses the parameters %s before anything is accepted", async (query, field) => {
  const { status, body } = await send(query, ["a"]);
  expect([status, (body as unknown as { field: string }).field]).toEqual([422, field]);
});

it("needs a device for outcomes", async () => {
  const { status } = await send("since=0&settled_since=0", ["a"], { batch: { device_id: undefined } });
  expect(status).toBe(422);
});
