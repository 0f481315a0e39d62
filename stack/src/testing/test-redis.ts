import { Redis } from "ioredis";
import { requireProvided } from "./test-database.ts";

/** As many as the stores are configured with, less number 0, which counts. */
const DATABASES = 255;

/**
 * Gives a test file an empty logical database of Redis. Keys are its own; publish and subscribe are the server's, so
 * channels must differ by their names. After 255 of them the first is given again.
 */
export async function createTestRedisUrl(): Promise<string> {
  const serverUrl = requireProvided("redisUrl");
  const redis = new Redis(serverUrl);
  try {
    const count = await redis.incr("tests");
    const database = ((count - 1) % DATABASES) + 1;
    await redis.select(database);
    await redis.flushdb();
    const url = new URL(serverUrl);
    url.pathname = `/${database}`;
    return url.href;
  } finally {
    redis.disconnect();
  }
}
