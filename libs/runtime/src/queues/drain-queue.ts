import { backoffMs, DRAIN_BACKOFF, SynclineError } from "@syncline/shared";
import { DelayedError, Worker, type Job } from "bullmq";
import { guarded } from "../redis/connect.ts";
import type { LanePart } from "../redis/lane-stream.ts";
import type { Shard, Shards } from "../redis/shards.ts";
import { createErrorAttribution } from "./error-attribution.ts";
import { createCoalescer } from "./coalesce.ts";
import { pauseOnRedisError, type Rest } from "./pause-on-redis-error.ts";
import { openShardQueues } from "./shard-queues.ts";

const QUEUE = "drain";

/** A job says which lane to drain, or which deferred workspace of it, never what is in it. */
interface DrainJob extends LanePart {
  /** While a failed drain backs off, no wake-up may start it before this time. */
  retryAtMs?: number;
}

/**
 * Asks for a lane to be drained. A wake-up during a drain is kept; a second one for a waiting job is dropped. Those that
 * are asked for while one is on its way go together, as the one that follows it.
 */
export interface LaneWaker {
  /**
   * @param delayMs - how long the lane may wait for company; a lane that already waits does not wait longer
   * @param urgent - starts a lane that waits at once
   */
  wake(lane: number, delayMs?: number, urgent?: boolean): Promise<void>;
  /** Asks for a deferred workspace to be drained by itself: its failures hold up nobody else. */
  wakeDeferred(part: Required<LanePart>, delayMs: number): Promise<void>;
  close(): Promise<void>;
}

/** @param onError - told of what breaks in between; without it, it would go to stderr as it is */
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
      // Order lives in the stream, so a retried job cannot break it; a fault that lasts is no reason to give up.
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

/** The drains of a shard's lanes that a process runs. */
export interface DrainWorker {
  /** Lets drains in flight end, and takes no more. */
  close(): Promise<void>;
  /** Takes no drains for a while. */
  rest: Rest;
}

/**
 * Runs drains, at most one live job a lane in the whole fleet. A drain that throws is tried again after a backoff with
 * full jitter, for as long as the fault lasts.
 *
 * @param shard - over a connection of its own: it blocks
 */
export function startDrainWorker(
  { redis, keys }: Pick<Shard, "redis" | "keys">,
  drain: (part: LanePart, failedAttempts: number) => Promise<void>,
  options: {
    concurrency: number;
    /** @param isOwn - whether the drain has thrown it, and not what is around it */
    onFailure: (part: LanePart, attempt: number, error: Error, isOwn: boolean) => void;
    onError: (error: Error) => void;
  },
): DrainWorker {
  const attribution = createErrorAttribution();
  const worker = new Worker<DrainJob>(
    QUEUE,
    async (job, token) => {
      await respectBackoff(job, token);
      // A worker that died over a lane counts like one that failed.
      await attribution.watch(drain(partOf(job), job.attemptsMade + job.stalledCounter));
    },
    {
      connection: redis,
      prefix: keys.queuePrefix,
      concurrency: options.concurrency,
      // A killed worker's lanes are taken over within a few seconds, and however often that happens.
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
  const rest = pauseOnRedisError(worker, options.onError);
  // Without Redis there is nothing to wait for: the jobs in flight have failed, or will.
  return { close: () => worker.close(redis.status !== "ready"), rest };
}

/** The deduplication id: at most one live job for each. */
function nameOf({ lane, workspaceId }: LanePart): string {
  return workspaceId === undefined ? `lane-${lane}` : `lane-${lane}/${workspaceId}`;
}

function partOf({ data: { lane, workspaceId } }: Job<DrainJob>): LanePart {
  return { lane, workspaceId };
}

/** Promoting a delayed job would start it before its backoff is over. Going back to waiting counts no attempt. */
async function respectBackoff(job: Job<DrainJob>, token: string | undefined): Promise<void> {
  const { retryAtMs } = job.data;
  const leftMs = (retryAtMs ?? 0) - Date.now();
  // No backoff is that long: whoever reckoned it has another clock.
  if (retryAtMs === undefined || leftMs <= 5 || leftMs > DRAIN_BACKOFF.backoffMsMax) return;
  if (token === undefined)
    throw new SynclineError("SYN_INVARIANT", "a job without a token cannot be delayed");
  await job.moveToDelayed(retryAtMs, token);
  throw new DelayedError();
}
