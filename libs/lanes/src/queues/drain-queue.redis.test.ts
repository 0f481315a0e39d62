import { dispositionOf, ROUND_BACKOFF } from "@syncline/shared/protocol";
import { createTestRedisUrl } from "@syncline/stack";
import { Queue } from "bullmq";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { closeRedis, connectRedis, connectRedisForWorker } from "../connect.ts";
import { keysOf } from "../keys.ts";
import { createShards } from "../shards.ts";
import { createConflictQueue } from "./conflict-queue.ts";
import { createLaneWaker, startDrainWorker, type DrainWorker, type LaneWaker } from "./drain-queue.ts";
import { createRetentionSchedule } from "./retention-queue.ts";

const keys = keysOf("{syncline}");
let redis: ReturnType<typeof connectRedis>;
let blockingRedis: ReturnType<typeof connectRedis>;
let waker: LaneWaker;
let worker: DrainWorker;
const failures: Error[] = [];
/** Functions that end the drains that have begun, in order. */
const endDrain: (() => void)[] = [];

beforeAll(async () => {
  const redisUrl = await createTestRedisUrl();
  const onError = (error: Error) => {
    throw error;
  };
  redis = connectRedis(redisUrl, onError);
  blockingRedis = connectRedisForWorker(redisUrl, onError);
  waker = createLaneWaker(createShards([redis]), onError);
  const drain = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    endDrain.push(resolve);
    return promise;
  };
  worker = startDrainWorker({ redis: blockingRedis, keys }, drain, {
    concurrency: 4,
    onFailure: (_lane, _attempt, error) => failures.push(error),
    onError: () => undefined,
  });
});
afterEach(() => expect(failures).toEqual([]));
afterAll(async () => {
  await worker.close();
  await waker.close();
  await closeRedis(blockingRedis);
  await closeRedis(redis);
});

describe("a wake-up", () => {
  it("that comes during a drain of the lane is kept: one drain at a time, and one more after it", async () => {
    await waker.wake(0);
    await expect.poll(() => endDrain.length).toBe(1);
    await waker.wake(0);
    await waker.wake(0);
    expect(endDrain).toHaveLength(1);

    endDrain[0]?.();
    await expect.poll(() => endDrain.length).toBe(2);
    endDrain[1]?.();
    await waker.wake(1);
    // A job of another lane comes after all jobs of this one.
    await expect.poll(() => endDrain.length).toBe(3);
    endDrain[2]?.();
  });
});

describe("a job that cannot be read", () => {
  it("is dropped and reported, and the lane's next wake-up starts a drain", async () => {
    const queue = new Queue("drain", { connection: redis, prefix: keys.queuePrefix });
    await queue.add(
      "drain",
      { lane: "seven" },
      {
        attempts: Number.MAX_SAFE_INTEGER,
        backoff: { type: "lane" },
        deduplication: { id: "lane-7", keepLastIfActive: true },
      },
    );
    await expect.poll(() => failures.length).toBe(1);
    expect(failures.splice(0)[0]?.message).toContain("cannot be read and was dropped: lane");
    const begun = endDrain.length;
    await waker.wake(7);
    await expect.poll(() => endDrain.length).toBe(begun + 1);
    endDrain[begun]?.();
    await queue.close();
  });
});

describe("a drain that a clock an hour ahead has delayed", () => {
  it("starts at an urgent wake-up", async () => {
    const queue = new Queue("drain", { connection: redis, prefix: keys.queuePrefix });
    const hourMs = 3_600_000;
    const data = { lane: 5, retryAtMs: Date.now() + hourMs };
    await queue.add("drain", data, {
      delay: hourMs,
      attempts: 10,
      backoff: { type: "lane" },
      deduplication: { id: "lane-5", keepLastIfActive: true },
    });
    const begun = endDrain.length;
    await waker.wake(5, 0, true);
    await expect.poll(() => endDrain.length).toBe(begun + 1);
    endDrain[begun]?.();
    await queue.close();
  });
});

describe("a Redis that loses a job during its drain", () => {
  it("counts as unavailable, not as a bug", async () => {
    const begun = endDrain.length;
    await waker.wake(6);
    await expect.poll(() => endDrain.length).toBe(begun + 1);
    await redis.flushdb();
    endDrain[begun]?.();
    await expect.poll(() => failures.length).toBeGreaterThan(0);
    expect(failures.splice(0).map((error) => dispositionOf(error))).not.toContain("fatal");
  });

  it("fails a wake-up like an unavailable one", async () => {
    const connection = connectRedis(await createTestRedisUrl(), () => undefined);
    const lanes = createLaneWaker(createShards([connection]), () => undefined);
    const conflicts = createConflictQueue(createShards([connection]), ROUND_BACKOFF, () => undefined);
    const job = { workspaceId: "w", conflictId: "c", round: 1, trace: {} };
    await Promise.all([lanes.wake(0), conflicts.request([job])]);
    connection.disconnect();
    const attempts = await Promise.allSettled([
      lanes.wake(0),
      conflicts.request([job]),
      conflicts.requestOverdue([job]),
    ]);
    const reasons = attempts.map((attempt) => attempt.status === "rejected" && dispositionOf(attempt.reason));
    expect(reasons).toEqual(["retry", "retry", "retry"]);
  });
});

describe("a Redis that rejects requests for jobs", () => {
  it("is asked again only after a pause, and drains resume when it recovers", async () => {
    const url = await createTestRedisUrl();
    const [commands, blocking] = [
      connectRedis(url, () => undefined),
      connectRedisForWorker(url, () => undefined),
    ];
    await commands.set(`${keys.queuePrefix}:drain:active`, "not a list, so that every answer is an error");
    const refusedAtMs: number[] = [];
    const drained: number[] = [];
    const refused = startDrainWorker({ redis: blocking, keys }, async ({ lane }) => void drained.push(lane), {
      concurrency: 4,
      onFailure: () => undefined,
      onError: () => refusedAtMs.push(performance.now()),
    });
    const lanes = createLaneWaker(createShards([commands]), () => undefined);
    await lanes.wake(1);
    // Each of the four takers may be rejected before the pause begins.
    await expect.poll(() => refusedAtMs.length).toBeGreaterThan(12);
    const pauses = refusedAtMs.filter(
      (atMs, index) => index > 0 && atMs - (refusedAtMs[index - 1] ?? 0) > 900,
    );
    expect(pauses.length).toBeGreaterThanOrEqual(2);
    await commands.del(`${keys.queuePrefix}:drain:active`);
    await expect.poll(() => drained).toEqual([1]);
    await refused.close();
    await lanes.close();
    await Promise.all([closeRedis(commands), closeRedis(blocking)]);
  });
});

describe("a queue whose connection breaks", () => {
  it("passes the error to its owner", async () => {
    const connection = connectRedis(await createTestRedisUrl(), () => undefined);
    const errors: Error[] = [];
    const onError = (error: Error) => errors.push(error);
    const queues = [
      createLaneWaker(createShards([connection]), onError),
      createConflictQueue(createShards([connection]), ROUND_BACKOFF, onError),
      createRetentionSchedule({ redis: connection, keys }, { intervalMs: 1_000, onError }),
    ];
    const broken = new Error("broken");
    connection.emit("error", broken);
    expect(errors).toEqual(queues.map(() => broken));
    await Promise.all(queues.map((queue) => queue.close()));
    await closeRedis(connection);
  });
});
