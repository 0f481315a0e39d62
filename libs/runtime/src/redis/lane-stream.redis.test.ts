import { randomUUID } from "node:crypto";
import { createTestRedisUrl } from "@syncline/stack";
import { isEntryBefore, type AcceptedBatch, type Resolution } from "@syncline/shared";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectRedis } from "./connect.ts";
import { deadEntriesKey, laneStreamKey } from "./keys.ts";
import { createLaneStreams, type LaneStreams } from "./lane-stream.ts";

let redis: ReturnType<typeof connectRedis>;
let lanes: LaneStreams;
beforeAll(async () => {
  redis = connectRedis(await createTestRedisUrl(), (error) => {
    throw error;
  });
  lanes = createLaneStreams(redis);
});
afterAll(() => redis.quit());

const batchOf = (operations: number, payload = ""): AcceptedBatch => ({
  batchId: randomUUID(),
  workspaceId: "w",
  deviceId: "d",
  deviceDeclared: true,
  subject: "s",
  requestId: "r",
  acceptedAtMs: 1,
  replyTo: "i",
  atomic: false,
  operations: Array.from({ length: operations }, (_, position) => ({
    clientId: `c${position}`,
    position,
    kind: "put" as const,
    collection: "documents",
    documentId: `doc${position}`,
    data: { payload },
    fingerprint: "f",
  })),
});
const batchIds = async (lane: number, operationsMax: number) =>
  (await lanes.readWindow(lane, operationsMax)).entries.map(
    ({ entry }) => entry.kind === "batch" && entry.batch.batchId,
  );

describe("a lane", () => {
  it("is read in the order of its entries, whole batches at a time, up to so many operations", async () => {
    const batches = [batchOf(40), batchOf(40), batchOf(40), batchOf(1)];
    for (const batch of batches) await lanes.appendBatch(0, batch, {});
    const ids = batches.map(({ batchId }) => batchId);
    expect(await batchIds(0, 100)).toEqual(ids.slice(0, 2));
    expect(await batchIds(0, 10)).toEqual(ids.slice(0, 1));
    expect(await batchIds(0, 1_000)).toEqual(ids);
  });

  it("is read across many small entries", async () => {
    for (let n = 0; n < 50; n++) await lanes.appendBatch(1, batchOf(1), {});
    expect(await batchIds(1, 40)).toHaveLength(40);
    expect(await batchIds(1, 1_000)).toHaveLength(50);
  });

  it("gives no more bytes at once than a drain should hold", async () => {
    const large = "x".repeat(3 * 1024 * 1024);
    for (let n = 0; n < 4; n++) await lanes.appendBatch(2, batchOf(1, large), {});
    expect(await batchIds(2, 1_000)).toHaveLength(2);
  });

  it("knows a batch's status until its entry is removed, and both go in one step", async () => {
    const batch = batchOf(2);
    await lanes.appendBatch(3, batch, {});
    expect(await lanes.readBatchStatus(batch.batchId)).toMatchObject({
      workspaceId: "w",
      results: [
        { client_id: "c0", status: "pending", document_id: "doc0" },
        { client_id: "c1", status: "pending", document_id: "doc1" },
      ],
    });
    const { entries } = await lanes.readWindow(3, 100);
    expect(await lanes.removeEntries(3, entries)).toBe(0);
    expect(await lanes.readBatchStatus(batch.batchId)).toBeNull();
  });

  it("says of each entry what had been answered when it was accepted, and never takes that back", async () => {
    const read = async () => (await lanes.readWindow(6, 100)).entries;
    for (let n = 0; n < 3; n++) await lanes.appendBatch(6, batchOf(1), {});
    const [first, second, third] = await read();
    if (!first || !second || !third) throw new Error("entries are missing");
    for (const { answeredId } of [first, second, third]) {
      expect(isEntryBefore(answeredId, first.id)).toBe(true);
    }
    await lanes.removeEntries(6, [first, second]);
    await lanes.appendBatch(6, batchOf(1), {});
    // The slower one of two drains that overlap.
    await lanes.removeEntries(6, [first]);
    await lanes.appendBatch(6, batchOf(1), {});
    expect((await read()).map(({ answeredId }) => answeredId)).toEqual([
      third.answeredId,
      second.id,
      second.id,
    ]);
    await lanes.removeEntries(6, await read());
  });

  it("takes a round's resolution once while it lies there, and again once it is drained", async () => {
    const resolution: Resolution = {
      workspaceId: "w",
      collection: "c",
      documentId: "d",
      conflictId: randomUUID(),
      round: 1,
      expectedVersion: 1,
      operationsCovered: 1,
      outcome: { kind: "park", reason: "r", proposed: null, overlaps: [] },
      inputs: { ancestor: null, local: null, localTimestampMs: null },
      isLastRound: false,
    };
    for (let sent = 0; sent < 3; sent++) await lanes.appendResolution(5, resolution, {});
    await lanes.appendResolution(5, { ...resolution, round: 2 }, {});
    const { entries } = await lanes.readWindow(5, 100);
    expect(entries.map(({ entry }) => entry.kind === "resolution" && entry.resolution.round)).toEqual([1, 2]);
    await lanes.removeEntries(5, entries);
    await lanes.appendResolution(5, resolution, {});
    expect((await lanes.readWindow(5, 100)).entries).toHaveLength(1);
    expect(await redis.keys("*:resolution:*")).toHaveLength(1);
  });

  it("sets aside an entry that nobody can read, and gives the ones behind it", async () => {
    await redis.xadd(laneStreamKey(4), "*", "operations", 1, "entry", "{not json");
    await redis.xadd(laneStreamKey(4), "*", "a", "stranger's");
    const batch = batchOf(1);
    await lanes.appendBatch(4, batch, {});
    const window = await lanes.readWindow(4, 100);
    expect(window.deadIds).toHaveLength(2);
    expect(window.entries).toHaveLength(1);
    const dead = await redis.xrange(deadEntriesKey(4), "-", "+");
    expect(dead.map(([, fields]) => fields.slice(2))).toEqual([
      ["operations", "1", "entry", "{not json"],
      ["a", "stranger's"],
    ]);
    expect(await redis.xlen(laneStreamKey(4))).toBe(1);
  });

  it("is found by the sweep while it holds entries", async () => {
    expect(await lanes.lanesWithEntries(8)).toEqual([0, 1, 2, 4, 5]);
  });
});
