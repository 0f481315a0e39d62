import { backoffMs, DRAIN_BACKOFF, SynclineError } from "@syncline/shared/protocol";
import { exactly } from "@syncline/shared/schemas";
import { DelayedError, UnrecoverableError, Worker, type Job } from "bullmq";
import { z } from "zod";
import { createCoalescer } from "@syncline/kit/process";
import { guarded } from "../connect.ts";
import type { LanePart } from "../streams/lane-part.ts";
import type { Shard, Shards } from "../shards.ts";
import { createErrorAttribution } from "./error-attribution.ts";
import { pauseOnRedisError, type Rest } from "./pause-on-redis-error.ts";
import { readJob } from "./read-job.ts";
import { openShardQueues } from "./shard-queues.ts";

const QUEUE = "drain";

/** A job names the lane to drain, or one of its deferred workspaces; it holds no operations. */
interface DrainJob extends LanePart {
  /** The end of a failed drain's backoff, before which no wake-up starts it. */
  retryAtMs?: number;
}

export const drainJobSchema = exactly<DrainJob>()(
  z.object({
    lane: z.int().min(0),
    workspaceId: z.string().optional(),
    retryAtMs: z.int().exactOptional(),
  }),
);

/**
 * Wakes lanes. A wake-up during a drain is kept; a second one for a waiting job is dropped. Wake-ups requested while
 * one is being sent share the one that follows it.
 */
export interface LaneWaker {
  /**
   * @param delayMs - the time to wait for more batches; a lane that already waits does not wait longer
   * @param urgent - starts a waiting lane immediately
   */
  wake(lane: number, delayMs?: number, urgent?: boolean): Promise<void>;
  /** Wakes a deferred workspace, which is drained by itself: its failures delay no other workspace. */
  wakeDeferred(part: Required<LanePart>, delayMs: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Creates the producer of wake-ups.
 *
 * @param onError - called for connection errors; without it BullMQ prints them to stderr
 */
export function createLaneWaker(shards: Shards, onError: (error: Error) => void): LaneWaker {
  const queues = openShardQueues<DrainJob>(QUEUE, shards, onError);
  const coalesce = createCoalescer<void>();
  return {
    wake: (lane, delayMs = 0, urgent = false) =>
      coalesce(`${lane}/${delayMs}/${urgent}`, () => addJob({ lane }, delayMs, urgent)),
    wakeDeferred: (part, delayMs) => addJob(part, delayMs, false),
    close: () => queues.close(),
  };

  async function addJob(part: LanePart, delayMs: number, urgent: boolean): Promise<void> {
    const job = queues.on(shards.ofLane(part.lane)).add("drain", part, {
      // The stream keeps the order, so a retried job cannot break it. A lasting fault is no reason to give up.
      attempts: Number.MAX_SAFE_INTEGER,
      backoff: { type: "lane" },
      deduplication: {
        id: nameOf(part),
        keepLastIfActive: true,
        ...(urgent ? { reschedule: true } : {}),
      },
      delay: urgent ? 0 : delayMs,
      removeOnComplete: true,
      removeOnFail: true,
      stackTraceLimit: 1,
    });
    await guarded(job);
  }
}

/** The drains of a shard's lanes that this process runs. */
export interface DrainWorker {
  /** Waits for drains in flight and takes no more. */
  close(): Promise<void>;
  /** Takes no drains for a while. */
  rest: Rest;
}

/**
 * Runs drains, at most one live job for each lane in the whole fleet. A drain that throws is retried after a backoff
 * with full jitter, for as long as the fault lasts.
 *
 * @param shard - with a connection of its own, because the worker blocks on it
 */
export function startDrainWorker(
  { redis, keys }: Pick<Shard, "redis" | "keys">,
  drain: (part: LanePart, failedAttempts: number) => Promise<void>,
  options: {
    concurrency: number;
    /** @param isOwn - true if the drain itself threw the error, false if BullMQ or Redis did */
    onFailure: (part: LanePart, attempt: number, error: Error, isOwn: boolean) => void;
    onError: (error: Error) => void;
  },
): DrainWorker {
  const attribution = createErrorAttribution();
  const worker = new Worker<DrainJob>(
    QUEUE,
    async (job, token) => {
      const { retryAtMs, ...part } = readJob(drainJobSchema, job);
      await respectBackoff(job, retryAtMs, token);
      // A worker that died during a drain counts as a failed attempt.
      await attribution.watch(drain(part, job.attemptsMade + job.stalledCounter));
    },
    {
      connection: redis,
      prefix: keys.queuePrefix,
      concurrency: options.concurrency,
      // A killed worker's lanes are taken over within a few seconds, any number of times.
      lockDuration: 5_000,
      stalledInterval: 2_000,
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      settings: {
        async backoffStrategy(attemptsMade, _type, error, job) {
          const delayMs = backoffMs(attemptsMade, DRAIN_BACKOFF, Math.random());
          const part = job === undefined ? { lane: -1 } : partOf(job as Job<DrainJob>);
          options.onFailure(part, attemptsMade, attribution.reasonOf(error), attribution.isOwn(error));
          await job?.updateData({ ...part, retryAtMs: Date.now() + delayMs });
          return delayMs;
        },
      },
    },
  );
  worker.on("failed", (job, error) => {
    // It was not retried, so the backoff strategy has not reported it.
    if (error instanceof UnrecoverableError) {
      options.onFailure({ lane: -1 }, job?.attemptsMade ?? 1, error, false);
    }
  });
  const rest = pauseOnRedisError(worker, options.onError);
  // Without Redis there is no reason to wait: the jobs in flight have failed, or will.
  return { close: () => worker.close(redis.status !== "ready"), rest };
}

/** The deduplication id: at most one live job has it. */
function nameOf({ lane, workspaceId }: LanePart): string {
  return workspaceId === undefined ? `lane-${lane}` : `lane-${lane}/${workspaceId}`;
}

function partOf({ data: { lane, workspaceId } }: Job<DrainJob>): LanePart {
  return { lane, workspaceId };
}

/** Delays a job again that was promoted before the end of its backoff. This counts no attempt. */
async function respectBackoff(
  job: Job,
  retryAtMs: number | undefined,
  token: string | undefined,
): Promise<void> {
  const leftMs = (retryAtMs ?? 0) - Date.now();
  // No backoff is longer: the process that computed it had another clock.
  if (retryAtMs === undefined || leftMs <= 5 || leftMs > DRAIN_BACKOFF.backoffMsMax) return;
  if (token === undefined)
    throw new SynclineError("SYN_INVARIANT", "a job without a token cannot be delayed");
  await job.moveToDelayed(retryAtMs, token);
  throw new DelayedError();
}
