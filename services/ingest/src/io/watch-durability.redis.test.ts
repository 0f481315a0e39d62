import { createLogger } from "@syncline/kit/telemetry";
import { closeRedis, connectRedis } from "@syncline/lanes";
import { createTestRedisUrl } from "@syncline/stack";
import { expect, it } from "vitest";
import { watchDurability } from "./watch-durability.ts";

it("reports a fault while Redis is disconnected, with a short retry time, and checks again after the reconnect", async () => {
  const redis = connectRedis(await createTestRedisUrl(), () => undefined);
  const watch = await watchDurability(redis, createLogger({ service: "test", level: "fatal" }));
  expect(watch.faults()).toEqual([]);
  redis.disconnect(true);
  await expect.poll(() => watch.faults(), { interval: 1 }).toHaveLength(1);
  expect(watch.retryAfterSeconds()).toBe(1);
  await expect.poll(() => watch.faults()).toEqual([]);
  await watch.stop();
  await closeRedis(redis);
});
