import { connect } from "node:net";
import { expect, it } from "vitest";
import { listen } from "./listen.ts";

const HERE = { host: "127.0.0.1", port: 0 };

it("takes a free port where none is asked for, and says which", async () => {
  const server = await listen((_request, response) => response.end("hello"), HERE);
  expect(server.port).toBeGreaterThan(0);
  expect(await (await fetch(`http://127.0.0.1:${server.port}`)).text()).toBe("hello");
  await server.close();
  await expect(fetch(`http://127.0.0.1:${server.port}`)).rejects.toThrow("fetch failed");
});

it("lets go who does not send a request whole in time, and answers 408", async () => {
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
  await expect(second).rejects.toThrow(`port ${first.port} is taken; set PORT to another one`);
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
  expect(await (await answer).text()).toBe("done");
  await closing;
});
