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

it("reports each lane's entries, the age of the oldest, its dead letters and its deferred workspaces", async () => {
  const nowMs = Date.now();
  await redis.xadd(keys.laneStream(1), `${nowMs - 5_000}-0`, "operations", 1, "entry", "{}");
  await redis.xadd(keys.laneStream(1), `${nowMs - 1_000}-0`, "operations", 1, "entry", "{}");
  await redis.xadd(keys.deadLetters(2), "*", "from", "0-1");
  await redis.sadd(keys.deferredWorkspaces(3), "a", "b");
  await redis.xadd(keys.deferredStream(3, "a"), `${nowMs - 9_000}-0`, "operations", 1, "entry", "{}");
  await redis.xadd(keys.deferredStream(3, "b"), `${nowMs - 1_000}-0`, "operations", 1, "entry", "{}");
  await redis.xadd(keys.laneStream(3), `${nowMs - 2_000}-0`, "operations", 1, "entry", "{}");
  const backlogs = await createReadBacklogs({ redis, keys }, [0, 1, 2, 3])();
  const none = { entries: 0, oldestAgeMs: 0, deadLetters: 0, deferredWorkspaces: 0, deferredAgeMs: 0 };
  expect(backlogs).toEqual([
    { ...none, lane: 0 },
    { ...none, lane: 1, entries: 2, oldestAgeMs: expect.any(Number) },
    { ...none, lane: 2, deadLetters: 1 },
    {
      ...none,
      lane: 3,
      entries: 3,
      oldestAgeMs: expect.any(Number),
      deferredWorkspaces: 2,
      deferredAgeMs: backlogs[3]?.oldestAgeMs,
    },
  ]);
  expect(backlogs[1]?.oldestAgeMs).toBeGreaterThanOrEqual(5_000);
  // The script uses whole milliseconds.
  expect(backlogs[1]?.oldestAgeMs).toBeLessThanOrEqual(5_000 + Date.now() - nowMs + 1);
});
