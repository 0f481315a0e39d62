import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, type Socket } from "node:net";
import { createServer, type Server } from "node:http";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { sendProblem, setIdentity } from "@syncline/kit/http";
import { BATCH_BYTES_MAX, Problem } from "@syncline/shared/protocol";
import express, { type ErrorRequestHandler } from "express";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Shares } from "../core/shares.ts";
import { createWithBody } from "./with-body.ts";

/** Makes a body of the given size. */
const bodyOf = (bytes: number) => Buffer.alloc(bytes, " ");
const LARGE = gzipSync(bodyOf(9_000_000));
const ROOM = 25_000_000;

let server: Server;
let port: number;
/** Number of requests that came, of requests that have left, and of bodies that were read. */
let came: number;
let gone: number;
let read: number;
/** Handlers end when this promise settles. */
let handled: Promise<unknown>;
beforeEach(async () => {
  came = gone = read = 0;
  handled = Promise.resolve();
  const app = express();
  app.use((request, response, next) => {
    came++;
    response.once("close", () => gone++);
    setIdentity(response, {
      subject: request.get("from") ?? String(came),
      roleByWorkspace: new Map(),
      expiresAtMs: Infinity,
    });
    next();
  });
  const memory = new Shares({ most: ROOM, shares: { subject: 0.5, address: 1 } });
  const withBody = createWithBody({ memory, rateMin: 100 });
  app.post(
    "/",
    withBody(async (_request, response, readBody) => {
      const body = await readBody();
      read++;
      await handled;
      response.json(body.length);
    }),
  );
  const answerProblem: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
    if (error instanceof Problem) sendProblem(response, error);
    else response.sendStatus((error as { status?: number }).status ?? 500);
  };
  app.use(answerProblem);
  server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const post = async (body: Uint8Array<ArrayBuffer>, encoding?: string, subject?: string) => {
  const headers = new Headers();
  if (encoding !== undefined) headers.set("content-encoding", encoding);
  if (subject !== undefined) headers.set("from", subject);
  const answer = await fetch(`http://127.0.0.1:${port}`, { method: "POST", headers, body });
  return [answer.status, answer.ok ? await answer.json() : undefined];
};
/** Announces a body and sends its first bytes. */
async function begin(body: Uint8Array, bytes = body.length, encoding = "gzip"): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write(
    `POST / HTTP/1.1\r\nHost: a\r\n${encoding && `Content-Encoding: ${encoding}\r\n`}Content-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body.subarray(0, bytes));
  return socket;
}
const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise(setImmediate);
};

it("reads bodies with each supported compression, and without", async () => {
  const body = bodyOf(5);
  expect(await post(body)).toEqual([200, 5]);
  expect(await post(gzipSync(body), "gzip")).toEqual([200, 5]);
  expect(await post(deflateSync(body), "deflate")).toEqual([200, 5]);
  expect(await post(brotliCompressSync(body), "BR")).toEqual([200, 5]);
});

it("rejects bodies that cannot be decompressed, or are too large", async () => {
  expect(await post(Buffer.from("hello"), "zip")).toEqual([415, undefined]);
  expect(await post(Buffer.from("hello"), "gzip")).toEqual([400, undefined]);
  expect(await post(gzipSync(bodyOf(5)).subarray(0, -4), "gzip")).toEqual([400, undefined]);
  expect(await post(gzipSync(bodyOf(BATCH_BYTES_MAX + 1)), "gzip")).toEqual([413, undefined]);
  expect(await post(gzipSync(bodyOf(BATCH_BYTES_MAX)), "gzip")).toEqual([200, BATCH_BYTES_MAX]);
});

it("counts decompressed bytes while the rest is awaited", async () => {
  const sockets = await Promise.all(Array.from({ length: 3 }, () => begin(LARGE, LARGE.length - 4)));
  const [answer] = (await Promise.race(sockets.map((socket) => once(socket, "data")))) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: 1/i);
  for (const socket of sockets) socket.destroy();
  await until(() => gone === came);
  expect(await post(bodyOf(BATCH_BYTES_MAX))).toEqual([200, BATCH_BYTES_MAX]);
});

it("counts no bytes of a client that leaves during decompression", async () => {
  for (let n = 1; n <= 5; n++) {
    const socket = await begin(LARGE);
    await until(() => came === n);
    socket.resetAndDestroy();
    await until(() => gone === n);
  }
  // This body comes after theirs, so theirs are decompressed, too.
  expect(await post(LARGE, "gzip")).toEqual([200, 9_000_000]);
  const others = await Promise.all([begin(LARGE, 10), begin(LARGE, 10)]);
  expect(await post(bodyOf(BATCH_BYTES_MAX))).toEqual([200, BATCH_BYTES_MAX]);
  for (const socket of others) socket.destroy();
});

it("counts the received bytes of a body, not the announced ones", async () => {
  const sockets = await Promise.all(Array.from({ length: 20 }, () => begin(bodyOf(9_000_000), 1_000, "")));
  await until(() => came === 20);
  expect(await post(bodyOf(9_000_000))).toEqual([200, 9_000_000]);
  for (const socket of sockets) socket.destroy();
});

it("rejects a subject's body over its share, and accepts those of other subjects", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  handled = promise;
  const first = post(bodyOf(6_000_000), undefined, "alice");
  await until(() => read === 1);
  expect(await post(bodyOf(1_000_000), undefined, "alice")).toEqual([429, undefined]);
  const second = post(bodyOf(1_000_000), undefined, "bob");
  await until(() => read === 2);
  resolve();
  expect([await first, await second]).toEqual([
    [200, 6_000_000],
    [200, 1_000_000],
  ]);
});

it("rejects a body that arrives too slowly, and ends its connection", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  try {
    const [slow, fast] = await Promise.all([begin(bodyOf(5_000), 1, ""), begin(bodyOf(5_000), 4_000, "")]);
    await until(() => came === 2);
    let answered = "";
    fast.on("data", (chunk: Buffer) => (answered += chunk.toString()));
    let refused = "";
    slow.on("data", (chunk: Buffer) => (refused += chunk.toString()));
    const closed = once(slow, "close");
    await vi.advanceTimersByTimeAsync(12_000);
    await closed;
    expect(refused).toMatch(/^HTTP\/1\.1 408 [^]*connection: close[^]*request-timeout/i);
    fast.write(bodyOf(1_000));
    await until(() => answered !== "");
    expect(answered).toMatch(/^HTTP\/1\.1 200 /);
    fast.destroy();
  } finally {
    vi.useRealTimers();
  }
});

it("counts the body of a client that has left until it is handled", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  handled = promise;
  const socket = await begin(LARGE);
  await until(() => read === 1);
  expect(await post(LARGE, "gzip")).toEqual([503, undefined]);
  socket.destroy();
  await until(() => gone === 1);
  expect(await post(LARGE, "gzip")).toEqual([503, undefined]);
  resolve();
  expect(await post(LARGE, "gzip")).toEqual([200, 9_000_000]);
});
