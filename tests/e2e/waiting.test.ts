import type { BatchResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem({ env: { SWEEP_INTERVAL_MS: "200" } });
  client = await createClient(system);
});
afterAll(() => system.stop());

let operations = 0;
const create = () => ({
  device_id: "dev_1",
  operations: [{ operation: "create", client_id: `w${++operations}`, data: { n: operations } }],
});
const readBatch = (location: string | null) => client.getAbsolute<BatchResult>(location ?? "");

describe("a client that does not wait", () => {
  it("gets 202 with a location, where the results appear", async () => {
    const answer = await client.post(create(), { prefer: "respond-async" });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ status: "pending", results: [{ status: "pending" }] });
    await eventually(async () => {
      expect((await readBatch(answer.headers.get("location"))).body.status).toBe("completed");
    });
  });
});

describe("a batch without a running worker", () => {
  it("is answered 202 when the wait is over, stays readable, and completes once a worker is back", async () => {
    const [worker] = system.syncline.workers;
    await worker?.stop();
    const answer = await client.post(create(), { prefer: "wait=1" });
    expect(answer.status).toBe(202);
    const location = answer.headers.get("location");
    expect((await readBatch(location)).body.status).toBe("pending");
    await worker?.start();
    await eventually(async () => expect((await readBatch(location)).body.status).toBe("completed"));
  });
});

describe("lost hints", () => {
  it("are compensated: a lane without a wake-up is found by the sweep", async () => {
    const [worker] = system.syncline.workers;
    await worker?.stop();
    const answer = await client.post(create(), { prefer: "respond-async" });
    const jobs = await eventually(async () => {
      const keys = await system.redis.keys("{syncline}:queue:*");
      expect(keys.some((key) => key.endsWith(":wait"))).toBe(true);
      return keys;
    });
    await system.redis.del(jobs);
    await worker?.start();
    await eventually(async () => {
      expect((await readBatch(answer.headers.get("location"))).body.status).toBe("completed");
    });
  });

  it("are compensated: a waiting request finds its results without the reply", async () => {
    await system.redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    const { status, body } = await client.post(create());
    expect(status).toBe(200);
    expect(body.status).toBe("completed");
  });
});
