import type { Service } from "@syncline/kit/process";
import { traceIdOf } from "@syncline/kit/telemetry";
import { toRedisError, type OpenRedis } from "@syncline/lanes";
import {
  createDeploymentGate,
  createRetryCounter,
  startConflictWorker,
  type ConflictJob,
  type ConflictWorker,
  type DeploymentGate,
} from "@syncline/lanes/queues";
import { dispositionOf, shareOf } from "@syncline/shared/protocol";

/**
 * Starts the jobs that run conflict rounds, on every shard.
 *
 * @param concurrency - the number of rounds at once, shared out between the shards
 * @returns the gate that pauses the jobs while a store does not fit this version
 */
export function startRounds(
  service: Service,
  redis: Pick<OpenRedis, "connectForJobs">,
  runRound: (job: ConflictJob) => Promise<void>,
  { concurrency }: { concurrency: number },
): DeploymentGate {
  const { log, onConnectionError } = service;
  const countRetry = createRetryCounter("merge");
  const workers: ConflictWorker[] = [];
  const gate = createDeploymentGate({ rest: (ms) => workers.forEach(({ rest }) => rest(ms)), log });
  const runAndNote = async (job: ConflictJob) => {
    await runRound(job);
    gate.succeeded();
  };
  const shards = redis.connectForJobs().all;
  workers.push(
    ...shards.map((shard) =>
      startConflictWorker(shard, runAndNote, {
        concurrency: shareOf(concurrency, shard.index, shards.length),
        onFailure: (job, error) => {
          countRetry(error);
          gate.failed(error);
          const level = dispositionOf(error) === "fatal" ? "error" : "warn";
          const { workspaceId, conflictId, round } = job ?? {};
          const traceId = job && traceIdOf(job.trace);
          const message = "merge failed; it will be retried";
          log[level]({ err: error, workspaceId, conflictId, round, traceId }, message);
        },
        onError: (error) => {
          gate.failed(toRedisError(error));
          onConnectionError(error);
        },
      }),
    ),
  );
  service.own("conflict jobs", workers, () => Promise.all(workers.map((jobs) => jobs.close())));
  return gate;
}
