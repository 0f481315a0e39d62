import { connectRedis, createLaneStreams, createShards, keysOf, type LaneStreams } from "@syncline/runtime";
import { createTestRedisUrl } from "@syncline/stack";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readFencedBlocks } from "../support/fenced-blocks.ts";

const LANE = 3;
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

/** Runs the script that puts a dead entry back, as the runbook has it. */
async function putBack(): Promise<unknown> {
  const blocks = await readFencedBlocks("docs/runbooks/dead-entries.md", "Do");
  const [, script = "", count, places = ""] =
    blocks.map(({ code }) => /eval "([^"]*)" (\d+) (.*)$/s.exec(code)).find((found) => found !== null) ?? [];
  const names = [...places.matchAll(/'([^']*)'/g)].map(([, name = ""]) => name.replace("LANE", String(LANE)));
  expect(names).toHaveLength(Number(count));
  return redis.eval(script, names.length, ...names);
}

/** Counts as an entry of so many operations that is appended does, whatever it holds. */
async function append(entry: string, operations: number, workspaceId: string): Promise<void> {
  const fields = ["operations", operations, "entry", entry, "answered", "", "workspace", workspaceId];
  await redis
    .multi()
    .xadd(keys.laneStream(LANE), "*", ...fields)
    .hincrby(keys.laneWaiting(LANE), "operations", operations)
    .hincrby(keys.laneWaiting(LANE), "bytes", Buffer.byteLength(entry))
    .hincrby(keys.laneWaiting(LANE), `workspace:${workspaceId}`, operations)
    .exec();
}

it("a dead entry that is put back is counted among what waits, as long as it does", async () => {
  const waiting = () => redis.hgetall(keys.laneWaiting(LANE));
  const [known, unknown] = ['{"kind":"batch","batch":{}}', '{"kind":"ä newer one"}'];
  await append(known, 5, "w");
  await append(unknown, 2, "w");
  const counted = await waiting();
  const setAside = async () => (await lanes.readWindow({ lane: LANE }, 100)).deadIds.length;
  expect(await setAside()).toBe(1);
  const left = { operations: "5", bytes: String(known.length), "workspace:w": "5" };
  expect(await waiting()).toEqual(left);

  expect(await putBack()).toEqual(expect.any(String));
  expect(await redis.xlen(keys.deadEntries(LANE))).toBe(0);
  expect(await waiting()).toEqual(counted);
  // This version still cannot read it.
  expect(await setAside()).toBe(1);
  expect(await waiting()).toEqual(left);
});

it("a stranger's entry is put back without a count: nobody counted it", async () => {
  await redis.flushdb();
  await redis.xadd(keys.laneStream(LANE), "*", "a", "stranger's");
  await lanes.readWindow({ lane: LANE }, 100);
  await putBack();
  expect(await redis.xlen(keys.laneStream(LANE))).toBe(1);
  expect(await redis.exists(keys.laneWaiting(LANE))).toBe(0);
  expect(await putBack()).toBe("none left");
});
