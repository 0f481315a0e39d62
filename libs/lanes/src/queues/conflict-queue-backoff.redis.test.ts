import { createTestRedisUrl } from "@syncline/stack";
import { Queue } from "bullmq";
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeRedis, connectRedis } from "../connect.ts";
import { keysOf } from "../keys.ts";
import { createShards } from "../shards.ts";
import { createConflictQueue, type ConflictQueue } from "./conflict-queue.ts";

const keys = keysOf("{syncline}");
const BACKOFF = { backoffMsMin: 60_000, backoffMsMax: 150_000 };
/** Enough draws that a uniform distribution certainly has some near each end of the interval. */
const DRAWS = 200;

let redis: ReturnType<typeof connectRedis>;
let conflicts: ConflictQueue;
let queue: Queue;
beforeAll(async () => {
  const onError = (error: Error) => {
    throw error;
  };
  redis = connectRedis(await createTestRedisUrl(), onError);
  conflicts = createConflictQueue(createShards([redis]), BACKOFF, onError);
  queue = new Queue("conflict", { connection: redis, prefix: keys.queuePrefix });
});
afterAll(async () => {
  await queue.close();
  await conflicts.close();
  await closeRedis(redis);
});

/** The delays of many conflicts' jobs for a round. */
async function delaysOf(round: number): Promise<number[]> {
  const ids = Array.from({ length: DRAWS }, (_, index) => `c${index}`);
  const trace = {};
  await conflicts.request(ids.map((conflictId) => ({ workspaceId: "w", conflictId, round, trace })));
  const jobs = await Promise.all(ids.map((id) => queue.getJob(`${id}-${round}`)));
  return jobs.map((job) => job?.delay ?? Number.NaN);
}

it.each([
  [2, 60_000],
  [3, 120_000],
  [4, 150_000],
  [8, 150_000],
])("round %i waits between 0 and %i ms", async (round, bound) => {
  const delays = await delaysOf(round);
  expect(Math.max(...delays)).toBeLessThanOrEqual(bound);
  expect(Math.max(...delays)).toBeGreaterThan(bound * 0.8);
  expect(Math.min(...delays)).toBeLessThan(bound * 0.2);
});

it("the first round starts immediately", async () => {
  expect(new Set(await delaysOf(1))).toEqual(new Set([0]));
});

it("a second request for a round has no effect", async () => {
  const before = await queue.getJobCounts();
  await delaysOf(2);
  expect(await queue.getJobCounts()).toEqual(before);
});
