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
  it("fails commands in progress immediately, and works again", async () => {
    const id = await redis.client("ID");
    const events: string[] = [];
    const answer = redis.blpop("never there", 0).then(
      () => events.push("answered"),
      () => events.push("failed"),
    );
    redis.once("ready", () => events.push("connected again"));
    const other = connectRedis(redisUrl, () => undefined);
    await other.client("KILL", "ID", id);
    await answer;
    await expect.poll(() => redis.ping().catch(() => "broken")).toBe("PONG");
    // A command that waited for the next connection would delay a lane, or a client that could use another process.
    expect(events).toEqual(["failed", "connected again"]);
    await closeRedis(other);
  });
});
