import { connect, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { listen } from "./listen.ts";

const HERE = { host: "127.0.0.1", port: 0 };

it("takes a free port for port 0, and returns it", async () => {
  const server = await listen((_request, response) => response.end("hello"), HERE);
  expect(server.port).toBeGreaterThan(0);
  expect(await (await fetch(`http://127.0.0.1:${server.port}`)).text()).toBe("hello");
  await server.close();
  await expect(fetch(`http://127.0.0.1:${server.port}`)).rejects.toThrow("fetch failed");
});

it("keeps idle connections open for longer than the proxies in front of it", async () => {
  const server = await listen((_request, response) => response.end(), HERE);
  const { headers } = await fetch(`http://127.0.0.1:${server.port}`);
  expect(headers.get("keep-alive")).toBe("timeout=75");
  await server.close();
});

it("answers 408 to a request that is not complete in time, and closes its connection", async () => {
  const server = await listen((request, response) => request.resume().once("end", () => response.end()), {
    ...HERE,
    requestTimeoutMs: 1_000,
  });
  const talk = (sent: string) =>
    new Promise<string>((resolve) => {
      let received = "";
      const socket = connect(server.port, HERE.host, () => socket.write(sent));
      socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
      socket.once("error", () => undefined).once("close", () => resolve(received));
    });
  const answers = await Promise.all([
    talk("GET / HTTP/1.1\r\nHost: a\r\nX-Slow:"),
    talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1"),
  ]);
  for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408/);
  await server.close();
});

it("names a port that is taken", async () => {
  const first = await listen(() => {}, HERE);
  const second = listen(() => {}, { ...HERE, port: first.port });
  await expect(second).rejects.toThrow(`port ${first.port} is taken; set PORT to a free port`);
  await first.close();
});

it("answers the request in flight before it has closed", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const server = await listen((_request, response) => {
    arrive();
    void released.then(() => response.end("done"));
  }, HERE);
  const answer = fetch(`http://127.0.0.1:${server.port}`);
  await arrived;
  const closing = server.close();
  const first = await Promise.race([closing.then(() => "closed"), new Promise(setImmediate)]);
  expect(first).not.toBe("closed");
  release();
  const response = await answer;
  expect(await response.text()).toBe("done");
  expect(response.headers.get("connection")).toBe("close");
  await closing;
});

it("does not wait for a keep-alive connection whose response had begun before the close", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const server = await listen((_request, response) => {
    response.write("do");
    void released.then(() => response.end("ne"));
  }, HERE);
  const answer = await fetch(`http://127.0.0.1:${server.port}`);
  const closing = server.close();
  release();
  expect(await answer.text()).toBe("done");
  await closing;
});

it("closes connections after their response while it drains, and still accepts new ones", async () => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const server = await listen((request, response) => {
    arrive();
    if (request.url === "/slow") void released.then(() => response.end("done"));
    else response.end("done");
  }, HERE);
  const ask = (path: string) => fetch(`http://127.0.0.1:${server.port}${path}`);
  expect((await ask("/")).headers.get("connection")).toBe("keep-alive");
  const slow = ask("/slow");
  await arrived;
  const away = server.drainConnections(200);
  release();
  expect((await slow).headers.get("connection")).toBe("close");
  const late = await ask("/");
  expect([late.status, late.headers.get("connection")]).toEqual([200, "close"]);
  await away;
  await server.close();
});

it("emits close on every response of a closed connection, also on one that waits behind another", async () => {
  let came = 0;
  let open = 0;
  const server = await listen((_request, response) => {
    came++;
    open++;
    response.once("close", () => open--);
  }, HERE);
  const socket = connect(server.port, HERE.host);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20));
  await expect.poll(() => came).toBe(20);
  socket.resetAndDestroy();
  await expect.poll(() => open).toBe(0);
  await server.close();
});

describe.concurrent("a slow client", () => {
  it("is disconnected if it does not read its response, but not while its response is pending", async () => {
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { promise: stalled, resolve: stall } = Promise.withResolvers<void>();
    const server = await listen((request, response) => {
      if (request.url === "/large") response.once("close", stall).end(Buffer.alloc(50_000_000));
      else void released.then(() => response.end("done"));
    }, HERE);
    const waiting = fetch(`http://127.0.0.1:${server.port}/slow`);
    const deaf = connect(server.port, HERE.host)
      .pause()
      .once("error", () => undefined);
    deaf.write("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
    await stalled;
    release();
    expect(await (await waiting).text()).toBe("done");
    await server.close();
  });

  it("does not delay the close indefinitely with an incomplete request", async () => {
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const server = await listen((request) => void request.resume().once("data", arrive), HERE);
    const sockets = [
      "",
      "GET / HTTP/1.1\r\nHost:",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1",
    ].map((sent) =>
      connect(server.port, HERE.host, function (this: Socket) {
        this.write(sent);
      }).once("error", () => undefined),
    );
    await arrived;
    await server.close();
    for (const socket of sockets) socket.destroy();
  });
});
