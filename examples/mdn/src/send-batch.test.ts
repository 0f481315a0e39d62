import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { parseRetryAfterMs, request, type Connection } from "./http-client.ts";
import { sendBatch } from "./send-batch.ts";

interface Scripted {
  status: number | "drop";
  headers?: Record<string, string>;
  body?: unknown;
}

/** Starts a server that gives these answers in turn and records the requests. */
async function serve(answers: Scripted[]): Promise<{ connection: Connection; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    const { status, headers, body } = answers.shift() ?? { status: 500, body: "nothing left to say" };
    if (status === "drop") return incoming.socket.destroy();
    return response.writeHead(status, headers).end(JSON.stringify(body ?? {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { connection: { ingestUrl: `http://127.0.0.1:${port}`, token: "t", workspaceId: "w" }, asked };
}

const POST = "POST /api/v1/documents/batch";
const accepted = (result: object): Scripted => ({
  status: 202,
  headers: { location: "/api/v1/batches/b" },
  body: { results: [result] },
});
const pending = { client_id: "c", status: "pending" };
const success = { client_id: "c", status: "success", version: 1, seq: 7 };

it("sends a batch again after a lost connection and after 503, until it is answered", async () => {
  const { connection, asked } = await serve([
    { status: "drop" },
    { status: 503, headers: { "retry-after": "0" } },
    { status: 200, body: { results: [success] } },
  ]);
  expect(await sendBatch(connection, {})).toEqual({ results: [success], sends: 3 });
  expect(asked).toEqual([POST, POST, POST]);
});

it("polls after a 202 until no result is pending, and sends again if the server no longer knows the batch", async () => {
  const { connection, asked } = await serve([
    accepted(pending),
    { status: 200, body: { results: [pending] } },
    { status: 404 },
    accepted(pending),
    { status: 200, body: { results: [success] } },
  ]);
  const GET = "GET /api/v1/batches/b";
  expect(await sendBatch(connection, {})).toEqual({ results: [success], sends: 2 });
  expect(asked).toEqual([POST, GET, GET, POST, GET]);
});

it("throws a refusal with the server's message", async () => {
  const { connection } = await serve([{ status: 422, body: { detail: "operations[3].data is missing" } }]);
  await expect(request(connection, "/x")).rejects.toThrow(/GET \/x was refused with 422.*operations\[3\]/);
});

it("reads Retry-After as seconds and as a date", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  expect(parseRetryAfterMs("2", now)).toBe(2_000);
  expect(parseRetryAfterMs("Thu, 01 Jan 2026 00:00:03 GMT", now)).toBe(3_000);
  expect(parseRetryAfterMs(null, now)).toBe(0);
});
