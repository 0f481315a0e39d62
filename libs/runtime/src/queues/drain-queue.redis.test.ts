import { createTestRedisUrl } from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeRedis, connectRedis, connectRedisForWorker } from "../redis/connect.ts";
import { createLaneWaker, startDrainWorker, type DrainWorker, type LaneWaker } from "./drain-queue.ts";

let redis: ReturnType<typeof connectRedis>;
let blockingRedis: ReturnType<typeof connectRedis>;
let waker: LaneWaker;
let worker: DrainWorker;
/** Each drain that has begun, by the function that ends it. */
const endDrain: (() => void)[] = [];

beforeAll(async () => {
  const redisUrl = await createTestRedisUrl();
  const onError = (error: Error) => {
    throw error;
  };
  redis = connectRedis(redisUrl, onError);
  blockingRedis = connectRedisForWorker(redisUrl, onError);
  waker = createLaneWaker(redis);
  const drain = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    endDrain.push(resolve);
    return promise;
  };
  worker = startDrainWorker(blockingRedis, drain, {
    concurrency: 4,
    onFailure: (_lane, _attempt, error) => onError(error),
    onError,
  });
});
afterAll(async () => {
  await worker.close();
  await waker.close();
  await closeRedis(blockingRedis);
  await closeRedis(redis);
});

describe("a wake-up", () => {
  it("that comes during a drain of the lane is kept for after it: one drain at a time, and one more", async () => {
    await waker.wake(0);
    await expect.poll(() => endDrain.length).toBe(1);
    await waker.wake(0);
    await waker.wake(0);
    expect(endDrain).toHaveLength(1);

    endDrain[0]?.();
    await expect.poll(() => endDrain.length).toBe(2);
    endDrain[1]?.();
    await waker.wake(1);
    // Another lane's comes after whatever there was for this one.
    await expect.poll(() => endDrain.length).toBe(3);
    endDrain[2]?.();
  });
});
