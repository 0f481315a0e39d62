import { keysOf } from "@syncline/lanes";
import { laneOf } from "@syncline/shared/protocol";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createClient,
  eventually,
  LANE_COUNT,
  startSystem,
  type Client,
  type System,
} from "../support/system.ts";

const keys = keysOf("{syncline}");
const CONCURRENCY = 2;
const BATCHES = 60;
const BATCH_OPERATIONS = 20;

let system: System;
let clients: Client[];
beforeAll(async () => {
  system = await startSystem({
    workers: 3,
    // Small windows and no sweep: many drains, and none that only a sweep would find.
    env: {
      WORKER_CONCURRENCY: String(CONCURRENCY),
      WINDOW_OPERATIONS_MAX: "100",
      SWEEP_INTERVAL_MS: "600000",
    },
  });
  clients = await Promise.all(
    workspacesOnLanesOfTheirOwn(8).map((workspaceId) => createClient(system, { workspaceId })),
  );
});
afterAll(() => system.stop());

function workspacesOnLanesOfTheirOwn(count: number): string[] {
  const workspaceByLane = new Map<number, string>();
  for (let n = 0; workspaceByLane.size < count; n++) {
    const workspaceId = `scaled-${n}`;
    const lane = laneOf(workspaceId, LANE_COUNT);
    if (!workspaceByLane.has(lane)) workspaceByLane.set(lane, workspaceId);
  }
  return [...workspaceByLane.values()];
}

/** Sends batches that each append to one list, so that losses, duplicates and reorderings show, without waiting. */
async function sendAll(client: Client): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch++) {
    const operations = Array.from({ length: BATCH_OPERATIONS }, (_, n) => ({
      operation: "update",
      client_id: `${batch}-${n}`,
      document_id: "counted",
      patch: [{ op: "add", path: "/list/-", value: batch * BATCH_OPERATIONS + n }],
    }));
    const answer = await client.post({ device_id: "dev_1", operations }, { prefer: "respond-async" });
    expect(answer.status).toBe(202);
  }
}

const runningDrains = () => system.redis.llen(`${keys.queuePrefix}:drain:active`);

describe("workers that are scaled down while all of them drain", () => {
  it("exit within 30 s with status 0; nothing is lost, applied twice or reordered, and no lane waits for a lock to expire", async () => {
    const [stays, ...leaving] = system.syncline.workers;
    if (stays === undefined || leaving.length !== 2) throw new Error("The test needs three workers.");
    for (const client of clients) {
      const answer = await client.post({
        device_id: "dev_1",
        operations: [{ operation: "create", client_id: "k", document_id: "counted", data: { list: [] } }],
      });
      expect(answer.status).toBe(200);
    }

    const sending = Promise.all(clients.map(sendAll));
    // Then every worker holds its maximum of lanes.
    await eventually(async () => expect(await runningDrains()).toBe(3 * CONCURRENCY));
    const ends = leaving.map(({ ended }) => ended);
    for (const worker of leaving) void worker.kill("SIGTERM");
    const tooLate = delay(30_000, "still runs after 30 s", { ref: false });
    expect(await Promise.all(ends.map((end) => Promise.race([end, tooLate])))).toEqual([
      "exit code 0",
      "exit code 0",
    ]);
    // Only the remaining worker's drains run: no lane waits for the lock of a stopped one.
    expect(await runningDrains()).toBeLessThanOrEqual(CONCURRENCY);
    expect(await system.entriesOnLanes()).toBeGreaterThan(0);

    await sending;
    await eventually(async () => expect(await system.entriesOnLanes()).toBe(0));
    for (const client of clients) {
      const { body } = await client.get<{ version: number; data: { list: number[] } }>(
        "/documents/documents/counted",
      );
      expect(body.data.list).toEqual(Array.from({ length: BATCHES * BATCH_OPERATIONS }, (_, n) => n));
      expect(body.version).toBe(BATCHES * BATCH_OPERATIONS + 1);
    }

    const events = await system.redis.xrange(`${keys.queuePrefix}:drain:events`, "-", "+");
    expect(events.length).toBeGreaterThan(0);
    expect(events.filter(([, fields]) => fields.includes("stalled"))).toEqual([]);
  });
});
