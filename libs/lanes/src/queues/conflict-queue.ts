import {
  backoffMs,
  DRAIN_BACKOFF,
  type BackoffBounds,
  type ConflictId,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import { exactly } from "@syncline/shared/schemas";
import { Worker, type Job } from "bullmq";
import { z } from "zod";
import type { TraceCarrier } from "@syncline/kit/telemetry";
import { guarded } from "../connect.ts";
import type { Shard, Shards } from "../shards.ts";
import { createErrorAttribution } from "./error-attribution.ts";
import { pauseOnRedisError, type Rest } from "./pause-on-redis-error.ts";
import { readJob } from "./read-job.ts";
import { openShardQueues } from "./shard-queues.ts";

const QUEUE = "conflict";

/** One round of one conflict's merge. */
export interface ConflictJob {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  /** The current merge attempt, from 1. */
  round: number;
  trace: TraceCarrier;
}

export const conflictJobSchema = exactly<ConflictJob>()(
  z.object({
    workspaceId: z.string(),
    conflictId: z.string(),
    round: z.int().min(1),
    trace: z.record(z.string(), z.string()),
  }),
);

export interface ConflictQueue {
  /**
   * Enqueues merge attempts; a second request for a round has no effect. The first round starts at once, later ones
   * after a backoff.
   */
  request(jobs: readonly ConflictJob[]): Promise<void>;
  /** Starts overdue rounds immediately, also if their jobs were lost or are delayed. */
  requestOverdue(jobs: readonly ConflictJob[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Creates the producer of merge attempts.
 *
 * @param backoff - the backoff between the rounds of a conflict
 * @param onError - called for connection errors; without it BullMQ prints them to stderr
 */
export function createConflictQueue(
  shards: Shards,
  backoff: BackoffBounds,
  onError: (error: Error) => void,
): ConflictQueue {
  const queues = openShardQueues<ConflictJob>(QUEUE, shards, onError);
  const queueOf = ({ workspaceId }: ConflictJob) => queues.on(shards.of(workspaceId));
  const add = async (jobs: readonly ConflictJob[], delayOf: (job: ConflictJob) => number) => {
    const added = [...Map.groupBy(jobs, queueOf)].map(([queue, ofOne]) =>
      queue.addBulk(
        ofOne.map((job) => ({
          name: "merge",
          data: job,
          opts: {
            jobId: jobIdOf(job),
            delay: delayOf(job),
            attempts: Number.MAX_SAFE_INTEGER,
            backoff: { type: "store" },
            removeOnComplete: true,
            removeOnFail: true,
            stackTraceLimit: 1,
          },
        })),
      ),
    );
    await guarded(Promise.all(added));
  };
  return {
    request: (jobs) =>
      add(jobs, ({ round }) => (round === 1 ? 0 : backoffMs(round - 1, backoff, Math.random()))),
    async requestOverdue(jobs) {
      await add(jobs, () => 0);
      // An existing job is unchanged by `add`. Its delay was computed by another process's clock, which may be wrong.
      for (const job of jobs) {
        await guarded(queueOf(job).getJob(jobIdOf(job)).then(promoteIfDelayed));
      }
    },
    close: () => queues.close(),
  };
}

function jobIdOf({ conflictId, round }: ConflictJob): string {
  return `${conflictId}-${round}`;
}

async function promoteIfDelayed(job: Job<ConflictJob> | undefined): Promise<void> {
  if (job === undefined || !(await job.isDelayed())) return;
  try {
    await job.promote();
  } catch (error) {
    // Ignored if another process has already started it.
    if (await job.isDelayed()) throw error;
  }
}

/** The merges of a shard's conflicts that this process runs. */
export interface ConflictWorker {
  /** Waits for merges in flight and takes no more. */
  close(): Promise<void>;
  /** Takes no merges for a while. */
  rest: Rest;
}

/**
 * Starts a worker that runs merge attempts.
 *
 * @param shard - with a connection of its own, because the worker blocks on it
 */
export function startConflictWorker(
  { redis, keys }: Pick<Shard, "redis" | "keys">,
  merge: (job: ConflictJob) => Promise<void>,
  options: {
    concurrency: number;
    onFailure: (job: ConflictJob | undefined, error: Error) => void;
    onError: (error: Error) => void;
  },
): ConflictWorker {
  const attribution = createErrorAttribution();
  const run = async (job: Job) => merge(readJob(conflictJobSchema, job));
  const worker = new Worker<ConflictJob>(QUEUE, (job) => attribution.watch(run(job)), {
    connection: redis,
    prefix: keys.queuePrefix,
    concurrency: options.concurrency,
    lockDuration: 5_000,
    stalledInterval: 2_000,
    maxStalledCount: Number.MAX_SAFE_INTEGER,
    settings: { backoffStrategy: (attemptsMade) => backoffMs(attemptsMade, DRAIN_BACKOFF, Math.random()) },
  });
  worker.on("failed", (job, error) => options.onFailure(job?.data, attribution.reasonOf(error)));
  const rest = pauseOnRedisError(worker, options.onError);
  // Without Redis there is no reason to wait: the jobs in flight have failed, or will.
  return { close: () => worker.close(redis.status !== "ready"), rest };
}
