import { afterEach, describe, expect, it } from "vitest";
import type { ReadinessCheck } from "../process/readiness-check.ts";
import { createHealthHandler } from "./health.ts";
import { listen, type Listening } from "./listen.ts";

let server: Listening | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function get(
  path: string,
  options: {
    isRunning?: boolean;
    checkByName?: Record<string, ReadinessCheck>;
    scrape?: () => Promise<string>;
    method?: string;
  } = {},
): Promise<[number, unknown]> {
  const { isRunning = true, checkByName = {}, scrape, method = "GET" } = options;
  const handle = createHealthHandler({ isRunning: () => isRunning, checkByName, scrape });
  server = await listen((request, response) => handle(request, response), { host: "127.0.0.1", port: 0 });
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  return [answer.status, await answer.json()];
}

const holds: ReadinessCheck = () => Promise.resolve();
const fails: ReadinessCheck = () => Promise.reject(new Error("Redis did not answer"));

describe("a process", () => {
  it("is alive even if its stores are down, and while it stops", async () => {
    const options = { isRunning: false, checkByName: { redis: fails } };
    expect(await get("/healthz?from=probe", options)).toEqual([200, { status: "alive" }]);
  });

  it("is ready when every check holds", async () => {
    expect(await get("/readyz", { checkByName: { postgres: holds, redis: holds } })).toEqual([
      200,
      { status: "ready", checks: { postgres: "ok", redis: "ok" } },
    ]);
  });

  it("is not ready when one check fails, and names the check and the reason", async () => {
    expect(await get("/readyz", { checkByName: { postgres: holds, redis: fails } })).toEqual([
      503,
      { status: "not ready", checks: { postgres: "ok", redis: "Redis did not answer" } },
    ]);
  });

  it("shares one check of its stores among concurrent requests", async () => {
    let looks = 0;
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const check = () => (looks++, released);
    const handle = createHealthHandler({ isRunning: () => true, checkByName: { check } });
    let came = 0;
    server = await listen((request, response) => (came++, handle(request, response)), {
      host: "127.0.0.1",
      port: 0,
    });
    const { port } = server;
    const answers = Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${port}/readyz`));
    await expect.poll(() => came).toBe(20);
    release();
    for (const { status } of await Promise.all(answers)) expect(status).toBe(200);
    expect(looks).toBe(2);
  });

  it("is not ready once it stops, though every check holds", async () => {
    expect(await get("/readyz", { isRunning: false, checkByName: { redis: holds } })).toEqual([
      503,
      { status: "stopping", checks: { redis: "ok" } },
    ]);
  });

  it("gives the reason if its metrics cannot be read, and stays alive", async () => {
    const scrape = () => Promise.reject(new Error("the reader is closed"));
    const unreadable = { status: "the metrics cannot be read", reason: "the reader is closed" };
    expect(await get("/metrics", { scrape })).toEqual([503, unreadable]);
  });

  it("answers 404 to other paths and 405 to other methods if it serves alone", async () => {
    expect(await get("/healthz/more")).toEqual([404, { status: "not found" }]);
    await server?.close();
    expect((await get("/healthz", { method: "POST" }))[0]).toBe(405);
  });

  it("passes other requests on", () => {
    const handle = createHealthHandler({ isRunning: () => true, checkByName: {} });
    let passedOn = false;
    handle({ method: "GET", url: "/api/v1" } as never, {} as never, () => {
      passedOn = true;
    });
    expect(passedOn).toBe(true);
  });
});
