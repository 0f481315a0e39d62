import { createTestRedisUrl } from "@syncline/stack";
import type { Logger } from "@syncline/kit/telemetry";
import { afterAll, beforeAll, expect, it } from "vitest";
import { closeRedis, connectRedis } from "./connect.ts";
import { CHANGED_CHANNEL } from "./keys.ts";
import { subscribeReplies, type ChangedMessage } from "./replies.ts";

let redis: ReturnType<typeof connectRedis>;
let listening: ReturnType<typeof connectRedis>;
let subscription: Awaited<ReturnType<typeof subscribeReplies>>;
const changed: ChangedMessage[] = [];
const warnings: unknown[] = [];

beforeAll(async () => {
  const url = await createTestRedisUrl();
  const onError = (error: Error) => {
    throw error;
  };
  [redis, listening] = [connectRedis(url, onError), connectRedis(url, onError)];
  const handlers = {
    onBatch: () => undefined,
    onSettled: () => undefined,
    onChanged: (messages: ChangedMessage[]) => changed.push(...messages),
  };
  const log = { warn: (about: unknown) => warnings.push(about) } as unknown as Logger;
  subscription = await subscribeReplies(listening, "ingest-1", handlers, log);
});
afterAll(async () => {
  await subscription.stop();
  await closeRedis(listening);
  await closeRedis(redis);
});

it.each(["not json", "null", '[{"workspace":"w1"}]'])(
  "a message that cannot be read is reported, and the next one is read: %s",
  async (message) => {
    const before = { changed: changed.length, warnings: warnings.length };
    await redis.publish(CHANGED_CHANNEL, message);
    await redis.publish(CHANGED_CHANNEL, JSON.stringify([{ workspaceId: "w2" }]));
    await expect.poll(() => changed.slice(before.changed)).toEqual([{ workspaceId: "w2" }]);
    expect(warnings.slice(before.warnings)).toEqual([{ channel: CHANGED_CHANNEL }]);
  },
);
