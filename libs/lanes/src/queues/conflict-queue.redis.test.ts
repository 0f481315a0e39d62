import { ROUND_BACKOFF } from "@syncline/shared/protocol";
import { createTestRedisUrl } from "@syncline/stack";
import { Queue } from "bullmq";
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeRedis, connectRedis, connectRedisForWorker } from "../connect.ts";
import { keysOf } from "../keys.ts";
import { createShards } from "../shards.ts";
import {
  createConflictQueue,
  startConflictWorker,
  type ConflictJob,
  type ConflictQueue,
  type ConflictWorker,
} from "./conflict-queue.ts";

const keys = keysOf("{syncline}");
let redis: ReturnType<typeof connectRedis>;
let blockingRedis: ReturnType<typeof connectRedis>;
let queue: ConflictQueue;
let worker: ConflictWorker;
const merged: ConflictJob[] = [];

beforeAll(async () => {
  const redisUrl = await createTestRedisUrl();
  const onError = (error: Error) => {
    throw error;
  };
  redis = connectRedis(redisUrl, onError);
  blockingRedis = connectRedisForWorker(redisUrl, onError);
  queue = createConflictQueue(createShards([redis]), ROUND_BACKOFF, onError);
  worker = startConflictWorker({ redis: blockingRedis, keys }, async (job) => void merged.push(job), {
    concurrency: 2,
    onFailure: (_job, error) => onError(error),
    onError,
  });
});
afterAll(async () => {
  await worker.close();
  await queue.close();
  await closeRedis(blockingRedis);
  await closeRedis(redis);
});

const roundOf = (conflictId: string): ConflictJob => ({ workspaceId: "w", conflictId, round: 2, trace: {} });

it("an overdue round starts, although a clock that was an hour ahead delayed it", async () => {
  const jobs = new Queue("conflict", { connection: redis, prefix: keys.queuePrefix });
  await jobs.add("merge", roundOf("c1"), { jobId: "c1-2", delay: 3_600_000, removeOnComplete: true });
  await queue.request([roundOf("c1")]);
  expect(merged).toEqual([]); // a second request for a round has no effect
  await queue.requestOverdue([roundOf("c1"), roundOf("c2")]);
  await expect.poll(() => merged.map(({ conflictId }) => conflictId).toSorted()).toEqual(["c1", "c2"]);
  await jobs.close();
});
