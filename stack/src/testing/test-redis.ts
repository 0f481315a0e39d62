import { Redis } from "ioredis";
import { requireProvided } from "./test-database.ts";

/** The configured databases without number 0, which holds the counter. */
const DATABASES = 255;

/**
 * Returns the URL of an empty logical database for a test file. Keys are separate; publish and subscribe are shared by
 * the whole server, so channels need distinct names. After 255 databases the first is reused.
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
