import { migrate } from "@syncline/store";
import {
  startLocalStores,
  startSyncline,
  testedPrograms,
  type LocalStores,
  type RunningSyncline,
} from "@syncline/stack";
import { laneOf, type BatchResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { scrape, valueOf } from "../support/metrics.ts";
import { eventually, LANE_COUNT } from "../support/system.ts";

let stores: LocalStores;
let syncline: RunningSyncline;
beforeAll(async () => {
  stores = await startLocalStores();
  await migrate({ databaseUrl: stores.databaseServerUrl });
  const { databaseServerUrl: databaseUrl, redisUrl, home } = stores;
  syncline = await startSyncline({ databaseUrl, redisUrl, home, programs: testedPrograms() });
});
beforeEach(async () => {
  const all = [stores.postgres, stores.redis, ...services()];
  for (const process of all) if (process.pid === undefined) await process.start();
});
afterAll(async () => {
  await syncline.stop();
  await stores.stop();
});

let operations = 0;
async function post(headers: Record<string, string> = {}): Promise<Response> {
  const token = await syncline.token({ w: "writer" });
  return fetch(`${syncline.ingestUrl}/api/v1/documents/batch`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({
      workspace_id: "w",
      device_id: "d",
      operations: [{ operation: "create", client_id: `c${++operations}`, data: {} }],
    }),
  });
}
const services = () => [syncline.ingest, syncline.conflict, ...syncline.workers];

describe("while a store is away", () => {
  it("Postgres: accepted batches wait, and commit when it is back", async () => {
    expect((await post()).status).toBe(200);
    await stores.postgres.kill();
    const answer = await post({ prefer: "wait=1" });
    expect(answer.status).toBe(202);
    await eventually(async () => {
      const [ingest, worker] = await Promise.all(
        [syncline.ingestUrl, syncline.workerUrls[0] ?? ""].map((url) => scrape(url)),
      );
      const up = (syncline_store: string) => valueOf(ingest, "syncline_store_up", { syncline_store });
      expect({ postgres: up("postgres"), redis: up("redis") }).toEqual({ postgres: 0, redis: 1 });
      const lane = { syncline_lane: String(laneOf("w", LANE_COUNT)) };
      expect(valueOf(ingest, "syncline_lane_backlog_entries", lane)).toBe(1);
      const failed = { syncline_work: "drain", error_type: "SYN_POSTGRES_UNAVAILABLE" };
      expect(valueOf(worker, "syncline_retries_total", failed)).toBeGreaterThan(0);
    });
    await stores.postgres.start();
    const token = await syncline.token({ w: "writer" });
    await eventually(async () => {
      const response = await fetch(new URL(answer.headers.get("location") ?? "", syncline.ingestUrl), {
        headers: { authorization: `Bearer ${token}` },
      });
      expect(((await response.json()) as BatchResult).status).toBe("completed");
    });
  });

  it("Redis: no batch is accepted, with Retry-After, and all resumes when it is back", async () => {
    expect((await post()).status).toBe(200);
    await stores.redis.kill();
    const refused = await post();
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    const ingest = await scrape(syncline.ingestUrl);
    expect(valueOf(ingest, "syncline_store_up", { syncline_store: "redis" })).toBe(0);
    expect(valueOf(ingest, "syncline_store_up", { syncline_store: "postgres" })).toBe(1);
    await stores.redis.start();
    await eventually(async () => expect((await post()).status).toBe(200));
  });

  it("SIGTERM ends every service cleanly, before its deadline", async () => {
    await post();
    await stores.redis.kill();
    await stores.postgres.kill();
    const ends = await Promise.all(
      services().map(async (service) => {
        const { ended } = service;
        await service.kill("SIGTERM");
        return `${service.name}: ${await ended}`;
      }),
    );
    expect(ends.map((end) => end.split(": ")[1])).toEqual(ends.map(() => "exit code 0"));
  });
});
