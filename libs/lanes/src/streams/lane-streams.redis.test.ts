import { randomUUID } from "node:crypto";
import { createTestRedisUrl } from "@syncline/stack";
import { encodeBatch, isEntryBefore, type AcceptedBatch, type Resolution } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectRedis } from "../connect.ts";
import { keysOf } from "../keys.ts";
import { createLaneStreams, type LaneStreams } from "./lane-streams.ts";
import { createShards } from "../shards.ts";

const keys = keysOf("{syncline}");

let redis: ReturnType<typeof connectRedis>;
let lanes: LaneStreams;
beforeAll(async () => {
  redis = connectRedis(await createTestRedisUrl(), (error) => {
    throw error;
  });
  lanes = createLaneStreams(createShards([redis]));
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
const resolutionOf = (): Resolution => ({
  workspaceId: "w",
  collection: "c",
  documentId: "d",
  conflictId: randomUUID(),
  round: 1,
  expectedVersion: 1,
  operationsCovered: 1,
  outcome: { kind: "park", reason: "r", proposed: null, overlaps: [] },
  inputs: { ancestor: null, local: null, localTimestampMs: null },
  rises: { seenVersion: null, rose: null, refused: [], ended: null, overlaps: [], twoWay: false },
  isLastRound: false,
});
const batchIds = async (lane: number, operationsMax: number) =>
  (await lanes.readWindow({ lane }, operationsMax)).entries.map(
    ({ entry }) => entry.kind === "batch" && entry.batch.batchId,
  );

describe("a lane", () => {
  it("is read in the order of its entries, in whole batches, up to a number of operations", async () => {
    const batches = [batchOf(40), batchOf(40), batchOf(40), batchOf(1)];
    for (const batch of batches) await lanes.appendBatch(0, encodeBatch(batch), {});
    const ids = batches.map(({ batchId }) => batchId);
    expect(await batchIds(0, 100)).toEqual(ids.slice(0, 2));
    expect(await batchIds(0, 10)).toEqual(ids.slice(0, 1));
    expect(await batchIds(0, 1_000)).toEqual(ids);
  });

  it("is read across many small entries", async () => {
    for (let n = 0; n < 50; n++) await lanes.appendBatch(1, encodeBatch(batchOf(1)), {});
    expect(await batchIds(1, 40)).toHaveLength(40);
    expect(await batchIds(1, 1_000)).toHaveLength(50);
  });

  it("returns no more bytes than the limit of a window", async () => {
    const large = "x".repeat(3 * 1024 * 1024);
    for (let n = 0; n < 4; n++) await lanes.appendBatch(2, encodeBatch(batchOf(1, large)), {});
    expect(await batchIds(2, 1_000)).toHaveLength(2);
  });

  it("keeps a batch's status until its entry is removed, both in one step", async () => {
    const batch = batchOf(2);
    await lanes.appendBatch(3, encodeBatch(batch), {});
    expect(await lanes.readBatchStatus(batch.batchId, [batch.workspaceId])).toMatchObject({
      workspaceId: "w",
      results: [
        { client_id: "c0", status: "pending", document_id: "doc0" },
        { client_id: "c1", status: "pending", document_id: "doc1" },
      ],
    });
    const { entries } = await lanes.readWindow({ lane: 3 }, 100);
    expect(await lanes.removeEntries({ lane: 3 }, entries)).toBe(0);
    expect(await lanes.readBatchStatus(batch.batchId, [batch.workspaceId])).toBeNull();
  });

  it("returns the answered position at each entry's acceptance, which never moves back", async () => {
    const read = async () => (await lanes.readWindow({ lane: 6 }, 100)).entries;
    for (let n = 0; n < 3; n++) await lanes.appendBatch(6, encodeBatch(batchOf(1)), {});
    const [first, second, third] = await read();
    if (!first || !second || !third) throw new Error("entries are missing");
    for (const { answeredId } of [first, second, third]) {
      expect(isEntryBefore(answeredId, first.id)).toBe(true);
    }
    await lanes.removeEntries({ lane: 6 }, [first, second]);
    await lanes.appendBatch(6, encodeBatch(batchOf(1)), {});
    // The slower of two overlapping drains.
    await lanes.removeEntries({ lane: 6 }, [first]);
    await lanes.appendBatch(6, encodeBatch(batchOf(1)), {});
    expect((await read()).map(({ answeredId }) => answeredId)).toEqual([
      third.answeredId,
      second.id,
      second.id,
    ]);
    await lanes.removeEntries({ lane: 6 }, await read());
  });

  it("keeps an entry with the id of a lost one, as after a failover to a replica that lacked it", async () => {
    await lanes.appendBatch(7, encodeBatch(batchOf(1)), {});
    const { entries } = await lanes.readWindow({ lane: 7 }, 100);
    const [lost] = entries;
    if (lost === undefined) throw new Error("the entry is missing");
    await redis.del(keys.laneStream(7), keys.laneAnswered(7));
    const later = batchOf(1);
    const entry = JSON.stringify({ kind: "batch", batch: later, trace: {} });
    const fields = ["operations", "1", "entry", entry, "answered", "", "workspace", "w"];
    await redis.xadd(keys.laneStream(7), lost.id, ...fields);
    expect(await lanes.removeEntries({ lane: 7 }, entries)).toBe(1);
    expect(await batchIds(7, 100)).toEqual([later.batchId]);
    expect(await redis.get(keys.laneAnswered(7))).toBeNull();
    await lanes.removeEntries({ lane: 7 }, (await lanes.readWindow({ lane: 7 }, 100)).entries);
  });

  it("accepts a round's resolution once while it is on the lane, and again after its drain", async () => {
    const resolution = resolutionOf();
    const isThere = () => lanes.hasResolution(5, resolution);
    expect(await isThere()).toBe(false);
    for (let sent = 0; sent < 3; sent++) await lanes.appendResolution(5, resolution, {});
    expect([await isThere(), await lanes.hasResolution(5, { ...resolution, round: 2 })]).toEqual([
      true,
      false,
    ]);
    await lanes.appendResolution(5, { ...resolution, round: 2 }, {});
    const { entries } = await lanes.readWindow({ lane: 5 }, 100);
    expect(entries.map(({ entry }) => entry.kind === "resolution" && entry.resolution.round)).toEqual([1, 2]);
    await lanes.removeEntries({ lane: 5 }, entries);
    expect(await isThere()).toBe(false);
    await lanes.appendResolution(5, resolution, {});
    expect((await lanes.readWindow({ lane: 5 }, 100)).entries).toHaveLength(1);
    expect(await redis.keys("*:resolution:*")).toHaveLength(1);
  });

  it("dead-letters an unreadable entry, and returns the ones behind it", async () => {
    await redis.xadd(keys.laneStream(4), "*", "operations", 1, "entry", "{not json");
    await redis.xadd(keys.laneStream(4), "*", "a", "stranger's");
    const batch = batchOf(1);
    await lanes.appendBatch(4, encodeBatch(batch), {});
    const window = await lanes.readWindow({ lane: 4 }, 100);
    expect(window.deadLetterIds).toHaveLength(2);
    expect(window.entries).toHaveLength(1);
    const dead = await redis.xrange(keys.deadLetters(4), "-", "+");
    expect(dead.map(([, fields]) => fields.slice(2))).toEqual([
      ["operations", "1", "entry", "{not json"],
      ["a", "stranger's"],
    ]);
    expect(await redis.xlen(keys.laneStream(4))).toBe(1);
  });

  describe("counts its backlog", () => {
    const bounds = { laneOperationsMax: 100, laneBytesMax: 100_000, workspaceOperationsMax: 50 };
    const bounded = () => createLaneStreams(createShards([redis]), bounds);
    const of = (workspaceId: string, operations: number, payload = "") => ({
      ...batchOf(operations, payload),
      workspaceId,
    });
    const waiting = (lane: number) => redis.hgetall(keys.laneWaiting(lane));
    /** The sums over the entries themselves. */
    async function addUp(lane: number): Promise<Record<string, string>> {
      const sums: Record<string, number> = {};
      for (const [, fields] of await redis.xrange(keys.laneStream(lane), "-", "+")) {
        const [, operations = "", , entry = "", , , , workspaceId = ""] = fields;
        for (const [name, number] of Object.entries({
          operations: Number(operations),
          bytes: Buffer.byteLength(entry),
          [`workspace:${workspaceId}`]: Number(operations),
        })) {
          sums[name] = (sums[name] ?? 0) + number;
        }
      }
      return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, String(sum)]));
    }

    it("and rejects a batch over a limit, without a trace", async () => {
      const streams = bounded();
      expect(await streams.appendBatch(7, encodeBatch(of("a", 50)), {})).toBe("appended");
      const before = [await waiting(7), await redis.dbsize()];
      const refused = of("a", 1);
      expect(await streams.appendBatch(7, encodeBatch(refused), {})).toBe("workspace-full");
      expect(await streams.readBatchStatus(refused.batchId, [refused.workspaceId])).toBeNull();
      expect([await waiting(7), await redis.dbsize()]).toEqual(before);
      expect(await streams.appendBatch(7, encodeBatch(of("b", 49)), {})).toBe("appended");
      expect(await streams.appendBatch(7, encodeBatch(of("c", 2)), {})).toBe("lane-full");
      expect(await streams.appendBatch(7, encodeBatch(of("c", 1, "ä".repeat(50_000))), {})).toBe("lane-full");
      expect(await streams.appendBatch(7, encodeBatch(of("c", 1)), {})).toBe("appended");
      expect(await waiting(7)).toEqual(await addUp(7));
      await lanes.removeEntries({ lane: 7 }, (await lanes.readWindow({ lane: 7 }, 1_000)).entries);
      expect(await waiting(7)).toEqual({});
    });

    it("and accepts any batch while it is empty, so that none is rejected indefinitely", async () => {
      expect(await bounded().appendBatch(8, encodeBatch(of("a", 100, "x".repeat(2_000))), {})).toBe(
        "appended",
      );
      expect(await bounded().appendBatch(8, encodeBatch(of("b", 1)), {})).toBe("lane-full");
      await lanes.removeEntries({ lane: 8 }, (await lanes.readWindow({ lane: 8 }, 1_000)).entries);
    });

    it("once, if two drains remove the same entries", async () => {
      for (const workspaceId of ["a", "b", "a", "c"])
        await lanes.appendBatch(9, encodeBatch(of(workspaceId, 3)), {});
      const { entries } = await lanes.readWindow({ lane: 9 }, 1_000);
      await lanes.removeEntries({ lane: 9 }, entries.slice(0, 2));
      expect(await waiting(9)).toEqual(await addUp(9));
      await lanes.removeEntries({ lane: 9 }, entries.slice(0, 3));
      expect(await waiting(9)).toEqual(await addUp(9));
      await lanes.appendBatch(9, encodeBatch(of("a", 5)), {});
      await lanes.removeEntries({ lane: 9 }, entries);
      expect(await waiting(9)).toMatchObject({ operations: "5", "workspace:a": "5" });
      expect(await waiting(9)).toEqual(await addUp(9));
      await lanes.removeEntries({ lane: 9 }, (await lanes.readWindow({ lane: 9 }, 1_000)).entries);
      expect(await waiting(9)).toEqual({});
    });

    it("including resolutions, which are never rejected", async () => {
      await bounded().appendBatch(10, encodeBatch(of("w", 50)), {});
      await bounded().appendResolution(10, resolutionOf(), {});
      expect(await waiting(10)).toMatchObject({ operations: "51", "workspace:w": "51" });
      await lanes.removeEntries({ lane: 10 }, (await lanes.readWindow({ lane: 10 }, 1_000)).entries);
      expect(await waiting(10)).toEqual({});
    });

    it("without dead-lettered entries, even unreadable ones", async () => {
      await redis.xadd(keys.laneStream(11), "*", "operations", 2, "entry", "{not json");
      await lanes.appendBatch(11, encodeBatch(of("a", 1)), {});
      await redis
        .multi()
        .xadd(keys.laneStream(11), "*", "operations", 2, "entry", "{", "answered", "", "workspace", "a")
        .hincrby(keys.laneWaiting(11), "operations", 2)
        .hincrby(keys.laneWaiting(11), "bytes", 1)
        .hincrby(keys.laneWaiting(11), "workspace:a", 2)
        .exec();
      const { entries, deadLetterIds } = await lanes.readWindow({ lane: 11 }, 1_000);
      expect(deadLetterIds).toHaveLength(2);
      expect(await waiting(11)).toEqual(await addUp(11));
      await lanes.removeEntries({ lane: 11 }, entries);
      expect(await waiting(11)).toEqual({});
    });

    it("from zero on an empty lane, whatever another version left behind", async () => {
      await redis.hset(keys.laneWaiting(12), { operations: 100, bytes: 100_000, "workspace:a": 50 });
      expect(await bounded().appendBatch(12, encodeBatch(of("a", 1)), {})).toBe("appended");
      expect(await waiting(12)).toEqual(await addUp(12));
      await lanes.removeEntries({ lane: 12 }, (await lanes.readWindow({ lane: 12 }, 1_000)).entries);
    });
  });

  it("is found by the sweep while it holds entries", async () => {
    expect(await lanes.lanesWithEntries([...Array(8).keys()])).toEqual([0, 1, 2, 4, 5]);
  });
});
