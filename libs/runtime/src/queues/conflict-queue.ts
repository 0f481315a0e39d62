import { backoffMs, DRAIN_BACKOFF, type BackoffBounds } from "@syncline/shared";
import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { QUEUE_PREFIX } from "../redis/keys.ts";
import type { TraceCarrier } from "../telemetry/tracing.ts";

const QUEUE = "conflict";

/** Asks for one round of one conflict's merge. */
export interface ConflictJob {
  workspaceId: string;
  conflictId: string;
  /** From 1. */
  round: number;
  trace: TraceCarrier;
}

export interface ConflictQueue {
  /** Asking twice for one round is asking once. The first round starts at once, later ones after a backoff. */
  request(jobs: readonly ConflictJob[]): Promise<void>;
  close(): Promise<void>;
}

/** @param backoff - how long rounds wait for each other */
export function createConflictQueue(redis: Redis, backoff: BackoffBounds): ConflictQueue {
  const queue = new Queue<ConflictJob>(QUEUE, { connection: redis, prefix: QUEUE_PREFIX });
  return {
    async request(jobs) {
      if (jobs.length === 0) return;
      await queue.addBulk(
        jobs.map((job) => ({
          name: "merge",
          data: job,
          opts: {
            jobId: `${job.conflictId}-${job.round}`,
            delay: job.round === 1 ? 0 : backoffMs(job.round - 1, backoff, Math.random()),
            attempts: Number.MAX_SAFE_INTEGER,
            backoff: { type: "store" },
            removeOnComplete: true,
            removeOnFail: true,
            stackTraceLimit: 1,
          },
        })),
      );
    },
    close: () => queue.close(),
  };
}

/** The merges that a process runs. */
export interface ConflictWorker {
  /** Lets merges in flight end, and takes no more. */
  close(): Promise<void>;
}

/** @param redis - a connection of its own: it blocks */
export function startConflictWorker(
  redis: Redis,
  merge: (job: ConflictJob) => Promise<void>,
  options: {
    concurrency: number;
    onFailure: (job: ConflictJob | undefined, error: Error) => void;
    onError: (error: Error) => void;
  },
): ConflictWorker {
  const worker = new Worker<ConflictJob>(QUEUE, (job) => merge(job.data), {
    connection: redis,
    prefix: QUEUE_PREFIX,
    concurrency: options.concurrency,
    lockDuration: 5_000,
    stalledInterval: 2_000,
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, DRAIN_BACKOFF, Math.random()) },
  });
  worker.on("failed", (job, error) => options.onFailure(job?.data, error));
  worker.on("error", options.onError);
  // Without Redis there is nothing to wait for: the jobs in flight have failed, or will.
  return { close: () => worker.close(redis.status !== "ready") };
}
