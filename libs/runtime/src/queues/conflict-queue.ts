import { backoffMs, DRAIN_BACKOFF, type BackoffBounds } from "@syncline/shared";
import { Worker, type Job } from "bullmq";
import { guarded } from "../redis/connect.ts";
import type { Shard, Shards } from "../redis/shards.ts";
import type { TraceCarrier } from "../telemetry/tracing.ts";
import { createErrorAttribution } from "./error-attribution.ts";
import { pauseOnRedisError, type Rest } from "./pause-on-redis-error.ts";
import { openShardQueues } from "./shard-queues.ts";

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
  /** Starts rounds at once: they should have begun by now, whether their jobs got lost or are put off. */
  requestOverdue(jobs: readonly ConflictJob[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param backoff - how long rounds wait for each other
 * @param onError - told of what breaks in between; without it, it would go to stderr as it is
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
      // One that is there already stays as it is. When it is due was reckoned by the clock of whoever put it off.
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
    // Another process has started it meanwhile.
    if (await job.isDelayed()) throw error;
  }
}

/** The merges of a shard's conflicts that a process runs. */
export interface ConflictWorker {
  /** Lets merges in flight end, and takes no more. */
  close(): Promise<void>;
  /** Takes no merges for a while. */
  rest: Rest;
}

/** @param shard - over a connection of its own: it blocks */
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
  const worker = new Worker<ConflictJob>(QUEUE, (job) => attribution.watch(merge(job.data)), {
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
  // Without Redis there is nothing to wait for: the jobs in flight have failed, or will.
  return { close: () => worker.close(redis.status !== "ready"), rest };
}
