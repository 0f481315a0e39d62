import { createTestRedisUrl } from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeRedis, connectRedis } from "./connect.ts";

let redisUrl: string;
let redis: ReturnType<typeof connectRedis>;
beforeAll(async () => {
  redisUrl = await createTestRedisUrl();
  redis = connectRedis(redisUrl, () => undefined);
});
afterAll(() => closeRedis(redis));

describe("a connection that breaks", () => {
  it("fails what is under way at once, and works again", async () => {
    const id = await redis.client("ID");
    const answer = redis.blpop("never there", 0).then(
      () => "answered",
      () => "failed",
    );
    const other = connectRedis(redisUrl, () => undefined);
    const brokeAtMs = Date.now();
    await other.client("KILL", "ID", id);
    expect(await answer).toBe("failed");
    // Whoever waits longer holds up a lane, or a client that has somewhere else to go.
    expect(Date.now() - brokeAtMs).toBeLessThan(2_000);
    await expect.poll(() => redis.ping().catch(() => "broken")).toBe("PONG");
    await closeRedis(other);
  });
});
