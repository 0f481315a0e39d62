import { connectRedis } from "@syncline/lanes";
import { migrate } from "@syncline/store";
import {
  startLocalStores,
  startSyncline,
  testedPrograms,
  type LocalStores,
  type RunningSyncline,
} from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../support/system.ts";

let stores: LocalStores;
let redis: ReturnType<typeof connectRedis>;
let syncline: RunningSyncline;
beforeAll(async () => {
  stores = await startLocalStores();
  await migrate({ databaseUrl: stores.databaseServerUrl });
  const { databaseServerUrl: databaseUrl, redisUrl, home } = stores;
  redis = connectRedis(redisUrl, (error) => {
    console.error(error);
  });
  await redis.config("SET", "appendfsync", "everysec");
  syncline = await startSyncline({ databaseUrl, redisUrl, home, programs: testedPrograms() });
});
afterAll(async () => {
  await syncline.stop();
  await redis.quit();
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
      operations: [{ operation: "create", client_id: `c${++operations}`, data: {} }],
    }),
  });
}

describe("a Redis that does not sync its writes to disk", () => {
  it("gives no 202: batches get 200 once they are committed, or 503, until its configuration is right", async () => {
    expect((await post()).status).toBe(200);
    const refused = await post({ prefer: "respond-async" });
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).not.toBeNull();
    expect(await refused.json()).toMatchObject({
      detail: expect.stringContaining("appendfsync is everysec"),
    });

    await redis.config("SET", "appendfsync", "always");
    // A reconnection checks again.
    await redis.call("CLIENT", "KILL", "TYPE", "NORMAL", "SKIPME", "YES");
    await eventually(async () => expect((await post({ prefer: "respond-async" })).status).toBe(202));
  });
});
