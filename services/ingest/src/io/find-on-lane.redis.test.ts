import { closeRedis, connectRedis, createShards } from "@syncline/lanes";
import type { AcceptedBatch, ClientId, LaneEntry } from "@syncline/shared/protocol";
import { createTestRedisUrl } from "@syncline/stack";
import { expect, it } from "vitest";
import { createFindOnLane } from "./find-on-lane.ts";

function batchOf(clientId: ClientId): AcceptedBatch {
  const document = { collection: "documents", documentId: "doc" };
  return {
    batchId: "b",
    workspaceId: "w",
    deviceId: "d",
    deviceDeclared: true,
    subject: "anna",
    requestId: "r",
    acceptedAtMs: 0,
    replyTo: "ingest",
    atomic: false,
    operations: [{ clientId, position: 0, kind: "delete", ...document, fingerprint: "f" }],
  };
}

it("reads one page at a time for any number of searches, and finds each operation", async () => {
  const redis = connectRedis(await createTestRedisUrl(), () => undefined);
  const shard = createShards([redis]).ofLane(3);
  const clientIds = Array.from({ length: 20 }, (_, n) => `op_${n}`);
  for (const clientId of clientIds) {
    const entry: LaneEntry = { kind: "batch", batch: batchOf(clientId), trace: {} };
    await redis.xadd(shard.keys.laneStream(3), "*", "entry", JSON.stringify(entry));
  }
  const read = redis.xrange.bind(redis) as (...args: unknown[]) => Promise<[string, string[]][]>;
  let underWay = 0;
  let mostUnderWay = 0;
  redis.xrange = async (...args: unknown[]) => {
    mostUnderWay = Math.max(mostUnderWay, ++underWay);
    try {
      return await read(...args);
    } finally {
      underWay--;
    }
  };

  const findOnLane = createFindOnLane();
  const asked = [...clientIds, "nope"];
  const found = await Promise.all(
    asked.map((clientId) => findOnLane(shard, 3, { workspaceId: "w", deviceId: "d", clientId })),
  );
  expect(found.map((each) => each?.operation.clientId)).toEqual([...clientIds, undefined]);
  expect(mostUnderWay).toBe(1);
  await closeRedis(redis);
});

it("continues with the next search when one fails", async () => {
  const redis = connectRedis(await createTestRedisUrl(), () => undefined);
  const shard = createShards([redis]).ofLane(3);
  const findOnLane = createFindOnLane();
  const key = { workspaceId: "w", deviceId: "d", clientId: "op" };
  await redis.set(shard.keys.laneStream(3), "no stream");
  const failing = findOnLane(shard, 3, key);
  const next = findOnLane(shard, 4, key);
  await expect(failing).rejects.toThrow();
  expect(await next).toBeUndefined();
  await closeRedis(redis);
});
