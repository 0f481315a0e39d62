import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const accepted: Socket[] = [];
const echo = createServer((socket) => {
  accepted.push(socket);
  socket.on("error", () => undefined);
  socket.pipe(socket);
});
let proxy: TcpProxy;
beforeAll(async () => {
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const { port } = echo.address() as AddressInfo;
  proxy = await openTcpProxy(() => port);
});
afterEach(() => proxy.setFault(undefined));
afterAll(async () => {
  await proxy.close();
  echo.close();
});

function dial(): Socket {
  const socket = connect({ host: "127.0.0.1", port: proxy.port });
  return socket.on("error", () => undefined);
}

async function open(): Promise<Socket> {
  const socket = dial();
  await once(socket, "connect");
  return socket.setEncoding("utf8");
}

/** Measures the time of an echo. */
async function ask(socket: Socket, text: string): Promise<number> {
  const startedAtMs = performance.now();
  let heard = "";
  const whole = new Promise<void>((resolve) => {
    socket.on("data", function hear(chunk: string) {
      heard += chunk;
      if (heard.length < text.length) return;
      socket.off("data", hear);
      resolve();
    });
  });
  socket.write(text);
  await whole;
  expect(heard).toBe(text);
  return performance.now() - startedAtMs;
}

const hearsNothing = async (socket: Socket) =>
  Promise.race([once(socket, "data").then(() => "heard"), delay(150).then(() => "nothing")]);

it("forwards data and the end of connections", async () => {
  const socket = await open();
  await ask(socket, "hello");
  socket.end();
  await once(socket, "close");
});

it("latency: delays each way, and keeps the order afterwards", async () => {
  const socket = await open();
  proxy.setFault({ kind: "latency", ms: 80 });
  expect(await ask(socket, "slowly")).toBeGreaterThanOrEqual(155);
  const heard: string[] = [];
  socket.on("data", (text: string) => heard.push(text));
  socket.write("first ");
  await delay(20);
  proxy.setFault(undefined);
  socket.write("second");
  while (heard.join("").length < "first second".length) await delay(5);
  expect(heard.join("")).toBe("first second");
  expect(proxy.harm().delayedBytes).toBeGreaterThan(0);
});

it("slow: forwards this many bytes a second", async () => {
  const socket = await open();
  proxy.setFault({ kind: "slow", bytesPerSecond: 100_000 });
  expect(await ask(socket, "x".repeat(20_000))).toBeGreaterThanOrEqual(190);
});

it("silent: holds all data, also of new connections, and forwards it in the end", async () => {
  const socket = await open();
  proxy.setFault({ kind: "silent" });
  socket.write("held");
  const late = await open();
  late.write("late");
  expect(await Promise.all([socket, late].map(hearsNothing))).toEqual(["nothing", "nothing"]);
  proxy.setFault(undefined);
  expect(await Promise.all([socket, late].map(async (one) => (await once(one, "data"))[0]))).toEqual([
    "held",
    "late",
  ]);
});

it("reset: ends open and new connections", async () => {
  const socket = await open();
  await ask(socket, "hello");
  proxy.setFault({ kind: "reset" });
  const lost = [socket, dial()];
  await Promise.all(lost.map((one) => new Promise((resolve) => one.once("close", resolve))));
  expect(lost.map(({ errored }) => errored)).toMatchObject([{ code: "ECONNRESET" }, { code: "ECONNRESET" }]);
});

it("half-open: open connections lose all data without notice, and new connections work", async () => {
  const socket = await open();
  await ask(socket, "hello");
  const far = accepted.at(-1);
  proxy.setFault({ kind: "half-open" });
  socket.write("into the void");
  expect(await hearsNothing(socket)).toBe("nothing");
  socket.destroy();
  await delay(50);
  expect(far?.destroyed).toBe(false); // without notice
  await ask(await open(), "new");
  expect(proxy.harm().lostBytes).toBe("into the void".length);
});
