import type { Service } from "@syncline/kit/process";
import { toRedisError, type LanePart, type Shards } from "@syncline/lanes";
import {
  createDeploymentGate,
  createRetryCounter,
  startDrainWorker,
  type DeploymentGate,
  type DrainWorker,
} from "@syncline/lanes/queues";
import { shareOf } from "@syncline/shared/protocol";

/**
 * Starts the jobs that drain lanes, on every shard.
 *
 * @param shards - over connections for jobs
 * @param createDrain - creates the drain; it calls `committed` after each commit
 * @param concurrency - the number of drains at once, shared out between the shards
 * @returns the gate that pauses the jobs while a store does not fit this version
 */
export function startDrains(
  service: Service,
  { all: shards }: Shards,
  createDrain: (gate: { committed: () => void }) => (part: LanePart, failedAttempts: number) => Promise<void>,
  { concurrency }: { concurrency: number },
): DeploymentGate {
  const { log, onConnectionError } = service;
  const countRetry = createRetryCounter("drain");
  const countDeferredRetry = createRetryCounter("deferred_drain");
  const workers: DrainWorker[] = [];
  const gate = createDeploymentGate({ rest: (ms) => workers.forEach(({ rest }) => rest(ms)), log });
  const drain = createDrain({ committed: () => gate.succeeded() });
  workers.push(
    ...shards.map((shard) =>
      startDrainWorker(shard, drain, {
        concurrency: shareOf(concurrency, shard.index, shards.length),
        // The drain has logged its own failures. Other failures are those of its job, which come from Redis.
        onFailure: (part, attempt, error, isOwn) => {
          if (part.workspaceId === undefined) countRetry(error);
          else countDeferredRetry(error);
          gate.failed(error);
          if (!isOwn)
            log.warn({ err: error, ...part, attempt }, "the job of a drain failed and will be tried again");
        },
        onError: (error) => {
          gate.failed(toRedisError(error));
          onConnectionError(error);
        },
      }),
    ),
  );
  service.own("drain jobs", workers, () => Promise.all(workers.map((jobs) => jobs.close())));
  return gate;
}
