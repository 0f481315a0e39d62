import {
  connectRedis,
  createDeadLetters,
  createLaneStreams,
  createShards,
  keysOf,
  type LaneStreams,
} from "@syncline/lanes";
import { createTestRedisUrl } from "@syncline/stack";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

const LANE = 3;
const keys = keysOf("{syncline}");

let redisUrl: string;
let redis: ReturnType<typeof connectRedis>;
let lanes: LaneStreams;
beforeAll(async () => {
  redisUrl = await createTestRedisUrl();
  redis = connectRedis(redisUrl, (error) => {
    throw error;
  });
  lanes = createLaneStreams(createShards([redis]));
});
beforeEach(() => redis.flushdb());
afterAll(() => redis.quit());

/** Runs `npm run dead-letters` as in the runbook. */
async function deadLetters(...parameters: string[]): Promise<string[]> {
  const main = new URL("../../libs/lanes/src/dead-letters-main.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--conditions=@syncline/source", main, ...parameters],
    { env: { PATH: process.env["PATH"], REDIS_URL: redisUrl } },
  );
  return stdout.trim().split("\n");
}

const batchId = randomUUID();
/** An entry kind of a later version, with a batch that has a status. */
const UNKNOWN = JSON.stringify({ kind: "ä newer one", batch: { batchId } });

/** Appends a raw entry that counts as this number of operations. */
async function append(entry: string, operations: number): Promise<void> {
  const fields = ["operations", operations, "entry", entry, "answered", "", "workspace", "w"];
  await redis
    .multi()
    .xadd(keys.laneStream(LANE), "*", ...fields)
    .hincrby(keys.laneWaiting(LANE), "operations", operations)
    .hincrby(keys.laneWaiting(LANE), "bytes", Buffer.byteLength(entry))
    .hincrby(keys.laneWaiting(LANE), "workspace:w", operations)
    .exec();
}
const setAside = async () => (await lanes.readWindow({ lane: LANE }, 100)).deadLetterIds.length;
const waiting = () => redis.hgetall(keys.laneWaiting(LANE));

it("dead letters are listed without their payload, and requeued: counted in the backlog while they are there", async () => {
  await append(UNKNOWN, 5);
  await append("{ no JSON", 2);
  const counted = await waiting();
  expect(await setAside()).toBe(2);
  expect(await waiting()).toEqual({});
  const listed = await deadLetters("list");
  expect(listed).toEqual([
    expect.stringMatching(`^lane 3 id .* workspace w kind ä newer one batch ${batchId} operations 5 bytes`),
    expect.stringMatching("^lane 3 id .* workspace w kind unknown operations 2 bytes 9$"),
  ]);

  expect(await deadLetters("replay", "--all")).toEqual([
    expect.stringMatching(/^lane 3 .*: put back on its lane$/),
    expect.stringMatching(/^lane 3 .*: put back on its lane$/),
  ]);
  expect(await redis.xlen(keys.deadLetters(LANE))).toBe(0);
  expect(await waiting()).toEqual(counted);
  // This version still cannot read them.
  expect(await setAside()).toBe(2);
  expect(await waiting()).toEqual({});
});

it("one of them is dropped, and its batch is then unknown", async () => {
  const status = { workspaceId: "w", deviceId: "d", acceptedAtMs: 1, results: [] };
  await redis.set(keys.acceptedBatch(batchId), JSON.stringify(status));
  await append(UNKNOWN, 1);
  await append("{ no JSON", 1);
  await setAside();
  expect(await lanes.readBatchStatus(batchId, ["w"])).toEqual(status);
  const [first] = await createDeadLetters(createShards([redis])).list([LANE]);
  expect(await deadLetters("drop", "--lane", "3", "--id", first?.id ?? "")).toEqual([
    `lane 3 ${first?.id}: dropped`,
  ]);
  expect(await redis.xlen(keys.deadLetters(LANE))).toBe(1);
  expect(await lanes.readBatchStatus(batchId, ["w"])).toBeNull();
});

it("an entry not appended by Syncline is requeued without a count", async () => {
  await redis.xadd(keys.laneStream(LANE), "*", "a", "stranger's");
  await setAside();
  await deadLetters("replay", "--all");
  expect(await redis.xlen(keys.laneStream(LANE))).toBe(1);
  expect(await redis.exists(keys.laneWaiting(LANE))).toBe(0);
});

it.each([
  ["replay"],
  ["drop", "--id", "1-0"],
  ["list", "--lane", "99"],
  ["mend"],
  ["replay", "--all", "--id", "1-0"],
])("%s %s %s is refused with a message, and changes nothing", async (...parameters) => {
  await append(UNKNOWN, 1);
  await setAside();
  await expect(deadLetters(...parameters)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(
      /^(usage: npm run dead-letters|--lane 99 must be below LANES, which is 16)/,
    ),
  });
  expect(await redis.xlen(keys.deadLetters(LANE))).toBe(1);
});

it.each([
  ["no batch", { kind: "batch", batch: null, trace: {} }],
  ["a batch without operations", { kind: "batch", batch: { batchId, workspaceId: "w" }, trace: {} }],
  [
    "an operation without ids",
    { kind: "batch", batch: { batchId, workspaceId: "w", operations: [{}] }, trace: {} },
  ],
  ["a resolution without an outcome", { kind: "resolution", resolution: { conflictId: "c" }, trace: {} }],
  ["no trace", { kind: "resolution", resolution: {} }],
  ["a list", []],
  ["null", null],
])("an entry that has %s is dead-lettered: no drain could ever complete it", async (_what, entry) => {
  await append(JSON.stringify(entry), 1);
  expect(await setAside()).toBe(1);
});

it.each([
  "{",
  "null",
  "[]",
  '{"workspaceId":"w"}',
  '{"workspaceId":"w","deviceId":"d","acceptedAtMs":1,"results":[1]}',
])("a batch's status that is %s is unknown, and no error", async (text) => {
  await redis.set(keys.acceptedBatch(batchId), text);
  expect(await lanes.readBatchStatus(batchId, ["w"])).toBeNull();
});
