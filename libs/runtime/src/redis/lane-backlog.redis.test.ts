import { createTestRedisUrl } from "@syncline/stack";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectRedis } from "./connect.ts";
import { keysOf } from "./keys.ts";
import { createReadBacklogs } from "./lane-backlog.ts";

const keys = keysOf("{syncline}");

let redis: Redis;
beforeAll(async () => {
  redis = connectRedis(await createTestRedisUrl(), (error) => {
    console.error(error);
  });
});
afterAll(() => redis.quit());

it("tells of every lane what waits there, how long the oldest has waited, and what was set aside", async () => {
  const nowMs = Date.now();
  await redis.xadd(keys.laneStream(1), `${nowMs - 5_000}-0`, "operations", 1, "entry", "{}");
  await redis.xadd(keys.laneStream(1), `${nowMs - 1_000}-0`, "operations", 1, "entry", "{}");
  await redis.xadd(keys.deadEntries(2), "*", "from", "0-1");
  const backlogs = await createReadBacklogs({ redis, keys }, [0, 1, 2, 3])();
  expect(backlogs).toEqual([
    { lane: 0, entries: 0, oldestAgeMs: 0, deadEntries: 0 },
    { lane: 1, entries: 2, oldestAgeMs: expect.any(Number), deadEntries: 0 },
    { lane: 2, entries: 0, oldestAgeMs: 0, deadEntries: 1 },
    { lane: 3, entries: 0, oldestAgeMs: 0, deadEntries: 0 },
  ]);
  expect(backlogs[1]?.oldestAgeMs).toBeGreaterThanOrEqual(5_000);
  // Redis takes its time in whole milliseconds.
  expect(backlogs[1]?.oldestAgeMs).toBeLessThanOrEqual(5_000 + Date.now() - nowMs + 1);
});
