import { expect, it, onTestFinished } from "vitest";
import { createHealthHandler } from "./health.ts";
import { listen } from "./listen.ts";
import { serveMetrics } from "./serve-metrics.ts";

const scrape = () => Promise.resolve("things 1\n");
const telemetry = { scrape, shutdown: () => Promise.resolve() };
const health = { isRunning: () => true, checkByName: {} };
const HOST = "127.0.0.1";

/** Starts a service's health and metrics servers, and returns a request function for each port. */
async function start(hasOwnPort: boolean) {
  const free = await listen(() => {}, { host: HOST, port: 0 });
  await free.close();
  const closes: (() => unknown)[] = [];
  const life = {
    own<T>(_name: string, value: T, close: (value: T) => unknown): T {
      closes.push(() => close(value));
      return value;
    },
  };
  const env = { HOST, METRICS_PORT: hasOwnPort ? free.port : undefined };
  const left = await serveMetrics(life, telemetry, health, env);
  const server = await listen(createHealthHandler({ ...health, scrape: left }), { host: HOST, port: 0 });
  onTestFinished(async () => {
    await server.close();
    for (const close of closes) await close();
  });
  const ask = async (port: number, path: string) => {
    const answer = await fetch(`http://${HOST}:${port}${path}`);
    return [answer.status, await answer.text()] as const;
  };
  return {
    onPort: (path: string) => ask(server.port, path),
    onMetricsPort: (path: string) => ask(free.port, path),
  };
}

it("serves metrics on the service's own port by default", async () => {
  const { onPort } = await start(false);
  expect(await onPort("/metrics")).toEqual([200, "things 1\n"]);
});

it("serves metrics and health on METRICS_PORT if it is set, and metrics no longer on the service's port", async () => {
  const { onPort, onMetricsPort } = await start(true);
  expect(await onMetricsPort("/metrics")).toEqual([200, "things 1\n"]);
  expect((await onMetricsPort("/healthz"))[0]).toBe(200);
  expect((await onPort("/metrics"))[0]).toBe(404);
  expect((await onPort("/healthz"))[0]).toBe(200);
});
