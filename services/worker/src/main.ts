import { loadModule, runBounded } from "@syncline/kit/process";
import { startService } from "@syncline/kit/service";
import { createLaneStreams, createReplyPublisher, openLanes } from "@syncline/lanes";
import { createConflictQueue, createLaneWaker, mergeBackoffOf } from "@syncline/lanes/queues";
import { describeDatabaseError, openDatabase } from "@syncline/store";
import { lanesOf } from "@syncline/shared/protocol";
import { definePolicies } from "@syncline/shared/policies";
import type { Policies } from "@syncline/shared/merge";
import { v7 as uuidv7 } from "uuid";
import { envSchema, ledgerRetentionMsOf, retentionOf } from "./env.ts";
import type { WindowPlan } from "./core/window-plan.ts";
import { createDrainMetrics } from "./io/drain-metrics.ts";
import { observeStore } from "./io/observe-store.ts";
import { createPgRetention } from "./io/pg-retention.ts";
import { createPgStore } from "./io/pg-store.ts";
import { createApplyRetention } from "./jobs/apply-retention.ts";
import { createDrainLane } from "./jobs/drain-lane.ts";
import { COMMITS_MAX, createGroupCommit } from "./jobs/group-commit.ts";
import { startDrains } from "./jobs/start-drains.ts";
import { startRetention } from "./jobs/start-retention.ts";
import { createSweepLanes } from "./jobs/sweep-lanes.ts";

/**
 * The bounds of the pool: one connection for retention, one for the checks. A workspace whose rows another transaction
 * holds for longer than `lockMsMax` is deferred; workspaces committed with it wait as long.
 */
const POOL = { connectionsMax: COMMITS_MAX + 2, lockMsMax: 200 };

/** The longest time that a collection's schema may take for one document. */
const SCHEMA_MS_MAX = 500;

const options = { env: envSchema, describeError: describeDatabaseError };
await startService("worker", options, async (service, env) => {
  const { log, isRunning, onConnectionError } = service;
  const define = (given: Policies) => definePolicies(given, (call) => runBounded(call, SCHEMA_MS_MAX));
  const policies = (await loadModule("POLICIES", env.POLICIES, define)) ?? {};
  const database = await openDatabase(service, env, { worker: POOL });
  const pool = database.pools.worker;
  const redis = openLanes(service, env);
  const { shards } = redis;
  const forJobs = redis.connectForJobs();
  const lanes = createLaneStreams(shards);
  const waker = createLaneWaker(shards, onConnectionError);
  service.own("wake-ups", waker, (w) => w.close());
  const conflicts = createConflictQueue(shards, mergeBackoffOf(env), onConnectionError);
  service.own("conflict queue", conflicts, (q) => q.close());
  for (const { index } of shards.all) {
    const ofShard = lanesOf(index, { lanes: env.LANES, shards: env.REDIS_SHARDS });
    const sweepLanes = createSweepLanes({ lanes, waker }, { lanes: ofShard });
    service.repeat("the lane sweep", sweepLanes, env.SWEEP_INTERVAL_MS);
  }
  const store = createPgRetention(pool);
  const applyRetention = createApplyRetention({ store, isRunning, log }, retentionOf(env));
  const intervals = { intervalMs: env.RETENTION_INTERVAL_MS, checkIntervalMs: env.SWEEP_INTERVAL_MS };
  startRetention(service, { forJobs, forQueues: shards }, applyRetention, intervals);
  // Started last, so closed before its dependencies: while the process stops, a drain would only wake its lane again.
  const gate = startDrains(
    service,
    forJobs,
    ({ committed }) => {
      const counted = createDrainMetrics();
      const noted = (plan: WindowPlan) => {
        committed();
        counted.committed(plan);
      };
      const metrics = { ...counted, committed: noted };
      const replies = createReplyPublisher(shards);
      const windows = observeStore(createPgStore(pool, database.epoch));
      const deps = { lanes, waker, store: windows, conflicts, policies, metrics, log };
      const windowOperationsMax = env.WINDOW_OPERATIONS_MAX;
      const groupCommit = createGroupCommit(
        { ...deps, replies, newId: uuidv7 },
        { windowOperationsMax, ledgerRetentionMs: ledgerRetentionMsOf(env) },
      );
      return createDrainLane({ ...deps, groupCommit, isRunning }, { windowOperationsMax });
    },
    { concurrency: env.WORKER_CONCURRENCY },
  );
  return {
    readiness: { postgres: database.check, redis: redis.checks.ready, deployment: gate.check },
    stores: { postgres: database.check, ...redis.checks.each },
  };
});
