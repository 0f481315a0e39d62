import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient, startSystem, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem();
  client = await createClient(system);
  // Nothing is drained: whatever a refused request left on a lane would stay there to be seen.
  await Promise.all(system.syncline.workers.map((worker) => worker.stop()));
});
afterAll(() => system.stop());

const operation = { operation: "create", client_id: "op_1", data: {} };
const batch = (more: object = {}): string =>
  JSON.stringify({ workspace_id: client.workspaceId, operations: [operation], ...more });
const withData = (json: string): string =>
  `{"workspace_id":"${client.workspaceId}","operations":[{"operation":"create","client_id":"op_1","data":${json}}]}`;
const token = async (expiresIn: string, workspaceId = client.workspaceId) =>
  `Bearer ${await system.syncline.token({ [workspaceId]: "writer" }, { expiresIn })}`;

it.each<[string, number, () => Promise<[string, Record<string, string>?]>]>([
  ["no token", 401, async () => [batch(), { authorization: "" }]],
  ["an expired token", 401, async () => [batch(), { authorization: await token("-1 minute") }]],
  [
    "another workspace's token",
    403,
    async () => [batch(), { authorization: await token("1 hour", "other") }],
  ],
  ["a body that is not JSON", 400, async () => ["{"]],
  ["101 operations", 413, async () => [batch({ operations: Array.from({ length: 101 }, () => operation) })]],
  ["over 10 MB", 413, async () => [batch({ padding: "x".repeat(10 * 1024 * 1024) })]],
  ["U+0000 in a string", 422, async () => [withData(String.raw`{"a":"\u0000"}`)]],
  ["a __proto__ key", 422, async () => [withData('{"__proto__":{"admin":true}}')]],
  ["another content type", 415, async () => [batch(), { "content-type": "text/plain" }]],
])("%s gets %i as a problem, and leaves no trace on a lane", async (_name, status, given) => {
  const [body, headers] = await given();
  const answer = await client.postRaw(body, headers);
  expect(answer.status).toBe(status);
  expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({
    type: expect.stringMatching(/^urn:syncline:problem:/),
    status,
    title: expect.any(String),
  });
  expect(await system.entriesOnLanes()).toBe(0);
  expect(await system.redis.keys("*:batch:*")).toEqual([]);
});

it("names the operation and the field that is wrong", async () => {
  const { body } = await client.postRaw(
    batch({ operations: [operation, { ...operation, client_id: "op_2", data: 1 }] }),
  );
  expect(body).toMatchObject({ operation: "op_2", field: "/operations/1/data" });
});
