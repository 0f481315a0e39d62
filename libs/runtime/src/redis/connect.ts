import { Redis, type RedisOptions } from "ioredis";
import { toRedisError } from "./redis-error.ts";

/** How a connection finds its node of a cluster. */
export type NodeFinder = Pick<RedisOptions, "Connector" | "reconnectOnError">;

/**
 * A connection that says nothing for so long, though it is asked, is dead, whoever was not told: a host or a firewall may
 * forget it without a word. Longer than BullMQ's longest blocking command, which is 10 s.
 */
const SILENCE_MS_MAX = { commands: 5_000, jobs: 15_000 };

/**
 * Opens a connection for commands that somebody waits for: while Redis is away they fail soon, instead of piling up.
 *
 * @param onError - told of every failed attempt; the connection goes on trying
 * @param finder - for a node of a cluster; without one it is the address'
 */
export function connectRedis(
  redisUrl: string,
  onError: (error: Error) => void,
  finder: NodeFinder = {},
): Redis {
  const redis = new Redis(redisUrl, {
    ...finder,
    // A command whose answer was lost may have been carried out: whoever sent it decides whether to send it again, and
    // hears of it at once. With a retry, one that is not sent again would hang until its own time is over.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 5_000,
    commandTimeout: 10_000,
    socketTimeout: SILENCE_MS_MAX.commands,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
  });
  redis.on("error", onError);
  return redis;
}

/** Opens a connection for a BullMQ worker, whose blocking commands must outlast any outage. */
export function connectRedisForWorker(
  redisUrl: string,
  onError: (error: Error) => void,
  finder: NodeFinder = {},
): Redis {
  const redis = new Redis(redisUrl, {
    ...finder,
    maxRetriesPerRequest: null,
    connectTimeout: 5_000,
    socketTimeout: SILENCE_MS_MAX.jobs,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 6), 2_000),
  });
  redis.on("error", onError);
  return redis;
}

/** Closes a connection: in good order where there is one, at once where Redis is away. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === "ready") await redis.quit();
  else redis.disconnect();
}

/** @throws {@link SynclineError} if the command fails */
export async function guarded<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw toRedisError(error);
  }
}
