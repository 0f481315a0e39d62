import { createLogger } from "@syncline/kit/telemetry";
import { connectRedis, subscribeReplies, closeRedis } from "@syncline/lanes";
import { openPool } from "@syncline/store";
import { createTestDatabase, createTestRedisUrl } from "@syncline/stack";
import { afterAll, describe, it } from "vitest";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

const proxies: TcpProxy[] = [];
afterAll(() => Promise.all(proxies.map((proxy) => proxy.close())));

/** Returns the same address through a proxy on this machine, which also reaches stores in containers. */
async function viaProxy(url: string): Promise<{ url: string; proxy: TcpProxy }> {
  const { port } = new URL(url);
  const proxy = await openTcpProxy(() => Number(port));
  proxies.push(proxy);
  const moved = new URL(url);
  moved.host = `127.0.0.1:${proxy.port}`;
  return { url: moved.href, proxy };
}

const quiet = () => undefined;

describe.concurrent("a half-open connection, of which neither side was notified,", () => {
  it("to Redis is replaced within seconds", async ({ expect }) => {
    const { url, proxy } = await viaProxy(await createTestRedisUrl());
    const redis = connectRedis(url, quiet);
    await redis.ping();
    proxy.setFault({ kind: "half-open" });
    await expect(redis.ping()).rejects.toThrow();
    await expect.poll(() => redis.ping().catch(() => "broken")).toBe("PONG");
    await closeRedis(redis);
  });

  it("with a subscription to Redis is replaced within seconds", async ({ expect }) => {
    const redisUrl = await createTestRedisUrl();
    const { url, proxy } = await viaProxy(redisUrl);
    const [listener, publisher] = [connectRedis(url, quiet), connectRedis(redisUrl, quiet)];
    const heard: string[] = [];
    const subscription = await subscribeReplies(
      listener,
      "half-open",
      { onBatch: ({ batchId }) => heard.push(batchId), onSettled: quiet, onChanged: quiet },
      createLogger({ service: "test", level: "fatal" }),
    );
    proxy.setFault({ kind: "half-open" });
    await expect
      .poll(
        async () => {
          await publisher.publish(
            "{syncline}:reply:half-open",
            JSON.stringify([{ batchId: "b", results: [] }]),
          );
          return heard;
        },
        { interval: 100 },
      )
      .not.toEqual([]);
    await subscription.stop();
    await closeRedis(listener);
    await closeRedis(publisher);
  });

  it("to Postgres is replaced in half a minute", async ({ expect }) => {
    const database = await createTestDatabase();
    const { url, proxy } = await viaProxy(database.databaseUrl);
    const pool = openPool({
      databaseUrl: url,
      connectionsMax: 1,
      applicationName: "half-open",
      onError: quiet,
    });
    await pool.query("SELECT 1");
    proxy.setFault({ kind: "half-open" });
    await expect(pool.query("SELECT 1")).rejects.toThrow();
    expect((await pool.query("SELECT 1")).rowCount).toBe(1);
    await pool.end();
  });
});
