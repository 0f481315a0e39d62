import { Redis, type RedisOptions } from "ioredis";
import { toRedisError } from "./redis-error.ts";

/** The options with which a connection finds its cluster node. */
export type NodeFinder = Pick<RedisOptions, "Connector" | "reconnectOnError">;

/**
 * The time without a reply after which a connection counts as dead: a host or firewall may drop it silently. Longer
 * than BullMQ's longest blocking command, which is 10 s.
 */
const SILENCE_MS_MAX = { commands: 5_000, jobs: 15_000 };

/**
 * Opens a connection for commands that a caller waits for: while Redis is unavailable they fail soon instead of
 * queueing.
 *
 * @param onError - called for each failed attempt; the connection continues to retry
 * @param finder - finds a cluster node; by default the URL's host is used
 */
export function connectRedis(
  redisUrl: string,
  onError: (error: Error) => void,
  finder: NodeFinder = {},
): Redis {
  const redis = new Redis(redisUrl, {
    ...finder,
    // A command without a reply may have been executed, so its caller decides whether to send it again and must get the
    // error immediately. With a retry, a command that is not sent again would hang until its timeout.
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

/** Closes a connection: with QUIT if it is ready, otherwise immediately. */
export async function closeRedis(redis: Redis): Promise<void> {
  if (redis.status === "ready") await redis.quit();
  else redis.disconnect();
}

/**
 * Awaits a command and classifies its failure.
 *
 * @throws {@link SynclineError} if the command fails
 */
export async function guarded<T>(command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw toRedisError(error);
  }
}
