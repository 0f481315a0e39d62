import { encodeBatch, type AcceptedBatch, type StoredEntry } from "@syncline/shared/protocol";
import { createTestRedisUrl } from "@syncline/stack";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { connectRedis } from "../connect.ts";
import { keysOf } from "../keys.ts";
import { createReadBacklogs } from "../lane-backlog.ts";
import { workspaceOf } from "./lane-part.ts";
import { createLaneStreams, type LaneStreams } from "./lane-streams.ts";
import { createShards } from "../shards.ts";

const keys = keysOf("{syncline}");

let redis: ReturnType<typeof connectRedis>;
let lanes: LaneStreams;
/** Each test has its own lane. */
let lane = 0;
beforeAll(async () => {
  redis = connectRedis(await createTestRedisUrl(), (error) => {
    throw error;
  });
  lanes = createLaneStreams(createShards([redis]), {
    laneOperationsMax: 1_000,
    laneBytesMax: 100_000_000,
    workspaceOperationsMax: 700,
  });
});
afterAll(() => redis.quit());
beforeEach(() => {
  lane += 1;
});

function batchOf(workspaceId: string, operations = 1): AcceptedBatch {
  return {
    batchId: randomUUID(),
    workspaceId,
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
      data: {},
      fingerprint: "f",
    })),
  };
}
const append = async (...workspaceIds: string[]) => {
  const batches = workspaceIds.map((workspaceId) => batchOf(workspaceId));
  for (const batch of batches) expect(await lanes.appendBatch(lane, encodeBatch(batch), {})).toBe("appended");
  return batches.map(({ batchId }) => batchId);
};
const read = async (workspaceId?: string) => (await lanes.readWindow({ lane, workspaceId }, 100)).entries;
const idsOf = (entries: readonly StoredEntry[]) =>
  entries.map(({ entry }) => entry.kind === "batch" && entry.batch.batchId);
const of = (workspaceId: string) => (stored: StoredEntry) => workspaceOf(stored) === workspaceId;
/** Defers a workspace's entries at the head of the lane. */
const defer = async (workspaceId: string) => lanes.deferEntries(lane, (await read()).filter(of(workspaceId)));

it("continues without a deferred workspace, whose earlier and later entries keep their order", async () => {
  const [a1, b1, a2, b2] = await append("a", "b", "a", "b");
  expect(await defer("a")).toBe(2);
  const [a3, b3] = await append("a", "b");
  const window = await lanes.readWindow({ lane }, 100);
  expect(idsOf(window.entries)).toEqual([b1, b2, b3]);
  expect(window.movedWorkspaceIds).toEqual(["a"]);
  expect(idsOf(await read("a"))).toEqual([a1, a2, a3]);
  expect(await lanes.listDeferred([lane])).toEqual([{ lane, workspaceId: "a" }]);
});

it("is not delayed by any number of deferred entries at its head, and moves each once", async () => {
  await append("a");
  await defer("a");
  const many = await append(...Array.from({ length: 600 }, () => "a"));
  const [b1] = await append("b");
  expect(idsOf(await read())).toEqual([b1]);
  expect(await redis.xlen(keys.laneStream(lane))).toBe(1);
  expect(await redis.xlen(keys.deferredStream(lane, "a"))).toBe(1 + many.length);
});

it("keeps the answered position of each workspace, whatever the lane does meanwhile", async () => {
  await append("a", "b");
  const [a1, b1] = await read();
  await defer("a");
  await lanes.removeEntries({ lane }, await read());
  await append("a", "b");
  const later = await read();
  const [, a2] = await read("a");
  // All entries of b were answered, and none of a.
  expect(later.map(({ answeredId }) => answeredId)).toEqual([b1?.id]);
  expect(a2?.answeredId).toBe(a1?.answeredId);
  await lanes.removeEntries({ lane, workspaceId: "a" }, (await read("a")).slice(0, 1));
  await append("a");
  await read();
  const [, a3] = await read("a");
  expect(a3?.answeredId).toBe(a1?.id);
});

it("readmits a workspace without entries, and keeps its answered position", async () => {
  await append("a");
  await defer("a");
  const entries = await read("a");
  expect(await lanes.readmitWorkspace(lane, "a")).toBe(false);
  expect(await lanes.removeEntries({ lane, workspaceId: "a" }, entries)).toBe(0);
  expect(await lanes.readmitWorkspace(lane, "a")).toBe(true);
  const [a2] = await append("a");
  const [onLane] = await read();
  expect(idsOf(await read())).toEqual([a2]);
  expect(onLane?.answeredId).toBe(entries[0]?.id);
  expect(await lanes.listDeferred([lane])).toEqual([]);
  expect(await redis.exists(keys.deferredStream(lane, "a"), keys.deferredAnswered(lane, "a"))).toBe(0);
});

it("does not readmit a workspace while entries of others, older than its last one, still wait", async () => {
  await append("a");
  await defer("a");
  await append("b", "a");
  const ofB = await read();
  await lanes.removeEntries({ lane, workspaceId: "a" }, await read("a"));
  // Otherwise the lane's answered position would move to the last entry of a, past the one of b.
  expect(await lanes.readmitWorkspace(lane, "a")).toBe(false);
  await lanes.removeEntries({ lane }, ofB);
  expect(await lanes.readmitWorkspace(lane, "a")).toBe(true);
});

it("counts entries of deferred workspaces in the lane's backlog, for limits and metrics", async () => {
  await lanes.appendBatch(lane, encodeBatch(batchOf("a", 600)), {});
  await defer("a");
  expect(await lanes.appendBatch(lane, encodeBatch(batchOf("a", 101)), {})).toBe("workspace-full");
  expect(await lanes.appendBatch(lane, encodeBatch(batchOf("b", 401)), {})).toBe("lane-full");
  const [backlog] = await createReadBacklogs({ redis, keys }, [lane])();
  expect(backlog).toMatchObject({ entries: 1, deferredWorkspaces: 1 });
  await lanes.removeEntries({ lane, workspaceId: "a" }, await read("a"));
  expect(await redis.hgetall(keys.laneWaiting(lane))).toEqual({});
});

it("keeps a batch readable while its workspace is deferred", async () => {
  const [a1 = ""] = await append("a");
  await defer("a");
  expect(await lanes.readBatchStatus(a1, ["a"])).toMatchObject({ workspaceId: "a" });
  await lanes.removeEntries({ lane, workspaceId: "a" }, await read("a"));
  expect(await lanes.readBatchStatus(a1, ["a"])).toBeNull();
});

it("dead-letters unreadable entries of a deferred workspace", async () => {
  await append("a");
  await defer("a");
  await redis.xadd(
    keys.laneStream(lane),
    "*",
    "operations",
    1,
    "entry",
    "{",
    "answered",
    "",
    "workspace",
    "a",
  );
  await read();
  expect((await lanes.readWindow({ lane, workspaceId: "a" }, 100)).deadLetterIds).toHaveLength(1);
  expect(await redis.xlen(keys.deadLetters(lane))).toBe(1);
});

it("defers the entries of an overtaken drain again, and moves none twice", async () => {
  await append("a", "b");
  const window = await read();
  await lanes.deferEntries(lane, window.filter(of("a")));
  expect(await lanes.deferEntries(lane, window.filter(of("a")))).toBe(1);
  expect(await read("a")).toHaveLength(1);
});
