import { backoffMs, ROUND_BACKOFF } from "@syncline/shared";
import { Queue, Worker } from "bullmq";
import type { Shard } from "../redis/shards.ts";
import { createErrorAttribution } from "./error-attribution.ts";
import { pauseOnRedisError } from "./pause-on-redis-error.ts";

const QUEUE = "retention";
/** One for the whole fleet: whoever schedules it again finds it there. */
const SCHEDULER = "retention";
/** After so many the next run of the schedule tries again. */
const ATTEMPTS_MAX = 5;

/** Sees to it that retention is applied at intervals, by one process of the fleet at a time. */
export interface RetentionSchedule {
  /** Does nothing where it is scheduled already. Redis may lose the schedule, so ask again and again. */
  ensure(): Promise<void>;
  close(): Promise<void>;
}

/** @param options.onError - told of what breaks in between; without it, it would go to stderr as it is */
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
      // A run that is due and waits keeps its time.
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

/** The runs of retention that fall to a process. */
export interface RetentionWorker {
  /** Lets a run in flight end, and takes no more. */
  close(): Promise<void>;
}

/**
 * Runs what the schedule asks for. A run that throws is tried again after a backoff; one whose process died is taken over
 * by another.
 *
 * @param shard - over a connection of its own: it blocks
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
  // Without Redis there is nothing to wait for: the run in flight ends by itself.
  return { close: () => worker.close(redis.status !== "ready") };
}
