import { backoffMs, ROUND_BACKOFF } from "@syncline/shared/protocol";
import { Queue, Worker } from "bullmq";
import type { Shard } from "../shards.ts";
import { createErrorAttribution } from "./error-attribution.ts";
import { pauseOnRedisError } from "./pause-on-redis-error.ts";

const QUEUE = "retention";
/** One for the whole fleet; scheduling it again is harmless. */
const SCHEDULER = "retention";
/** The number of attempts, after which the next scheduled run tries again. */
const ATTEMPTS_MAX = 5;

/** Schedules retention at intervals, for one process of the fleet at a time. */
export interface RetentionSchedule {
  /** Schedules retention unless it is already scheduled. Redis may lose the schedule, so call this repeatedly. */
  ensure(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Creates the schedule.
 *
 * @param options.onError - called for connection errors; without it BullMQ prints them to stderr
 */
export function createRetentionSchedule(
  { redis, keys }: Pick<Shard, "redis" | "keys">,
  options: { intervalMs: number; onError: (error: Error) => void },
): RetentionSchedule {
  const { intervalMs, onError } = options;
  const queue = new Queue(QUEUE, { connection: redis, prefix: keys.queuePrefix });
  queue.on("error", onError);
  return {
    async ensure() {
      const known = await queue.getJobScheduler(SCHEDULER);
      if (known?.every === intervalMs && (known.next ?? 0) > Date.now()) return;
      await queue.setGlobalConcurrency(1);
      // A due run that is waiting keeps its time.
      await queue.upsertJobScheduler(
        SCHEDULER,
        { every: intervalMs },
        {
          name: "apply retention",
          opts: {
            attempts: ATTEMPTS_MAX,
            backoff: { type: "store" },
            removeOnComplete: true,
            removeOnFail: true,
            stackTraceLimit: 1,
          },
        },
      );
    },
    close: () => queue.close(),
  };
}

/** The retention runs of this process. */
export interface RetentionWorker {
  /** Waits for a run in flight and takes no more. */
  close(): Promise<void>;
}

/**
 * Runs retention when it is due. A run that throws is retried after a backoff; the run of a dead process is taken over
 * by another.
 *
 * @param shard - with a connection of its own, because the worker blocks on it
 */
export function startRetentionWorker(
  { redis, keys }: Pick<Shard, "redis" | "keys">,
  applyRetention: () => Promise<void>,
  options: { onFailure: (attempt: number, error: Error) => void; onError: (error: Error) => void },
): RetentionWorker {
  const attribution = createErrorAttribution();
  const worker = new Worker(QUEUE, () => attribution.watch(applyRetention()), {
    connection: redis,
    prefix: keys.queuePrefix,
    lockDuration: 5_000,
    stalledInterval: 2_000,
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, ROUND_BACKOFF, Math.random()) },
  });
  worker.on("failed", (job, error) => options.onFailure(job?.attemptsMade ?? 0, attribution.reasonOf(error)));
  pauseOnRedisError(worker, options.onError);
  // Without Redis there is no reason to wait: the run in flight ends by itself.
  return { close: () => worker.close(redis.status !== "ready") };
}
