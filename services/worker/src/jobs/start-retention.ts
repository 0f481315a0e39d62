import type { Service } from "@syncline/kit/process";
import type { Shards } from "@syncline/lanes";
import { createRetentionSchedule, createRetryCounter, startRetentionWorker } from "@syncline/lanes/queues";
import { dispositionOf } from "@syncline/shared/protocol";

/** The key that selects the shard of the fleet's one retention queue. */
const RETENTION = "retention";

/**
 * Starts the jobs that apply retention, and the schedule that enqueues them.
 *
 * @param shards - `forJobs`: over connections for jobs, which block
 */
export function startRetention(
  service: Service,
  shards: { forJobs: Shards; forQueues: Shards },
  applyRetention: () => Promise<void>,
  { intervalMs, checkIntervalMs }: { intervalMs: number; checkIntervalMs: number },
): void {
  const { log, onConnectionError: onError } = service;
  const countRetry = createRetryCounter("retention");
  const jobs = startRetentionWorker(shards.forJobs.of(RETENTION), applyRetention, {
    onFailure: (attempt, error) => {
      countRetry(error);
      const level = dispositionOf(error) === "fatal" ? "error" : "warn";
      log[level]({ err: error, attempt }, "retention could not be applied and will be tried again");
    },
    onError,
  });
  service.own("retention jobs", jobs, (j) => j.close());
  const schedule = createRetentionSchedule(shards.forQueues.of(RETENTION), { intervalMs, onError });
  service.own("retention queue", schedule, (s) => s.close());
  service.repeat("the retention schedule", () => schedule.ensure(), checkIntervalMs);
}
