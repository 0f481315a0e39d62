import type { ManagedProcess } from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Answer, type System } from "../support/system.ts";
import { openLoadBalancer, type LoadBalancer } from "./load-balancer.ts";

const CLIENTS = 12;

let system: System;
let ingests: LoadBalancer;
let conflicts: LoadBalancer;
beforeAll(async () => {
  // Ingest needs the balancer's address, which exists before the services.
  const conflictUrls: string[] = [];
  conflicts = await openLoadBalancer(conflictUrls);
  system = await startSystem({
    ingests: 2,
    conflicts: 2,
    workers: 2,
    keepAlive: true,
    env: { CONFLICT_URL: conflicts.url, STOP_DELAY_MS: "10000" },
  });
  conflictUrls.push(...system.syncline.conflictUrls);
  ingests = await openLoadBalancer(system.syncline.ingestUrls);
  await untilAllReady();
});
afterAll(async () => {
  await Promise.all([ingests.close(), conflicts.close()]);
  await system.stop();
});

/** Runs clients that continuously send, read and list conflicts, over keep-alive connections, without a retry. */
async function underLoad(run: () => Promise<void>): Promise<{ requests: number; failed: unknown[] }> {
  const failed: unknown[] = [];
  let requests = 0;
  const ending = new AbortController();
  async function ask(request: () => Promise<Answer<unknown>>): Promise<void> {
    requests += 1;
    try {
      const { status, body } = await request();
      if (status !== 200 && status !== 202) failed.push({ status, body });
    } catch (error) {
      failed.push(error);
    }
  }
  const clients = Array.from({ length: CLIENTS }, async (_, n) => {
    const client = await createClient(system, { ingestUrl: ingests.url });
    for (let count = 1; !ending.signal.aborted; count++) {
      const operation = { operation: "put", client_id: `${n} ${count}`, document_id: "doc", data: { count } };
      await ask(() => client.post({ device_id: `device ${n}`, operations: [operation] }));
      await ask(() => client.get("/changes?since=0&limit=10"));
      await ask(() => client.get("/conflicts"));
    }
  });
  await run();
  ending.abort();
  await Promise.all(clients);
  return { requests, failed };
}

async function restart(managed: ManagedProcess): Promise<void> {
  const { pid, ended } = managed;
  await managed.kill("SIGTERM");
  expect(await ended).toBe("exit code 0");
  await expect.poll(async () => managed.pid !== pid && (await managed.isReady())).toBe(true);
  // Otherwise no process may be ready when the next one stops.
  await untilAllReady();
}

/** Waits until the load balancers see every process ready. */
async function untilAllReady(): Promise<void> {
  await eventually(async () => expect(ingests.areAllReady() && conflicts.areAllReady()).toBe(true));
}

describe("a rolling restart under load", () => {
  it.each(["workers", "ingests", "conflicts"] as const)("of the %s fails no request", async (service) => {
    const { requests, failed } = await underLoad(async () => {
      for (const managed of system.syncline[service]) await restart(managed);
    });
    expect(failed).toEqual([]);
    expect(requests).toBeGreaterThan(100);
  });
});
