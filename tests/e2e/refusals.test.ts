import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient, startSystem, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem();
  client = await createClient(system);
  // Without drains, an entry of a refused request would stay on its lane and be seen.
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

it("names the operation and the field at fault", async () => {
  const { body } = await client.postRaw(
    batch({ operations: [operation, { ...operation, client_id: "op_2", data: 1 }] }),
  );
  expect(body).toMatchObject({ operation: "op_2", field: "/operations/1/data" });
});

it("sends a caller's token only to the conflict service, whatever address the request line names", async () => {
  const asked: string[] = [];
  const stranger = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.end("{}");
  });
  await new Promise<void>((resolve) => stranger.listen(0, "127.0.0.1", resolve));
  const { port } = stranger.address() as AddressInfo;
  const path = `http://127.0.0.1:${port}/api/v1/workspaces/${client.workspaceId}/conflicts`;
  expect(await askAsWritten(path)).toBe(200);
  expect(asked).toEqual([]);
  await new Promise((resolve) => stranger.close(resolve));
});

it("reaches only the conflict routes of the conflict service, whatever a conflict is called", async () => {
  const conflicts = `/api/v1/workspaces/${client.workspaceId}/conflicts`;
  const up = String.raw`\..\..\..\..\..\..`;
  for (const name of [`x${up}\\metrics`, `x${up}\\health`, "..", "%2e%2e", "x", "%5c..%5c"]) {
    expect([name, await askAsWritten(`${conflicts}/${name}`)]).toEqual([name, 404]);
    expect([name, await askAsWritten(`${conflicts}/${name}/preview`)]).toEqual([name, 404]);
  }
});

/** Returns the status of a path that no client has normalized. */
async function askAsWritten(path: string): Promise<number | undefined> {
  const { hostname, port } = new URL(system.syncline.ingestUrl);
  const headers = { authorization: await token("1 hour") };
  return new Promise((resolve, reject) => {
    const request = get({ hostname, port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", reject);
  });
}

it("answers 422, not 500, to a cursor that the server did not issue", async () => {
  const cursor = (...place: unknown[]) => Buffer.from(JSON.stringify(place)).toString("base64url");
  for (const path of [
    `/operations?status=error&before=${cursor(0, "\u0000", "c")}`,
    `/operations?status=error&before=${cursor("0", "d", "c")}`,
    `/snapshot?after=${cursor("epoch", 0, "documents", "\u0000")}`,
    "/snapshot?after=%00",
    "/conflicts?device_id=%00",
    "/conflicts?since=0000-01-01T00:00:00Z",
  ]) {
    expect([path, (await client.get(path)).status]).toEqual([path, 422]);
  }
});

it("answers 404, not 500, to ids that no document can have", async () => {
  for (const id of ["%00", "a%0Ab", "x".repeat(201)]) {
    expect((await client.get(`/documents/documents/${id}`)).status).toBe(404);
    expect((await client.get(`/documents/${id}/doc`)).status).toBe(404);
  }
});
