import { createHealthHandler, listen, serveMetrics } from "@syncline/kit/http";
import { createLifecycle, loadModule, observeStores, readEnvOrExit, repeat } from "@syncline/kit/process";
import { createLogger, startTelemetry } from "@syncline/kit/telemetry";
import {
  createLaneStreams,
  createReplyPublisher,
  createRedisChecks,
  openRedis,
  toRedisError,
} from "@syncline/lanes";
import {
  createConflictQueue,
  createDeploymentGate,
  createLaneWaker,
  createRetentionSchedule,
  createRetryCounter,
  mergeBackoffOf,
  startDrainWorker,
  startRetentionWorker,
  type DrainWorker,
} from "@syncline/lanes/queues";
import {
  claimSettings,
  createPostgresCheck,
  describeDatabaseError,
  observePools,
  openPool,
  watchEpoch,
} from "@syncline/store";
import { dispositionOf, lanesOf, shareOf } from "@syncline/shared/protocol";
import { definePolicies } from "@syncline/shared/schemas";
import { v7 as uuidv7 } from "uuid";
import { envSchema } from "./env.ts";
import { createDrainMetrics } from "./io/drain-metrics.ts";
import { observeStore } from "./io/observe-store.ts";
import { createPgRetention } from "./io/pg-retention.ts";
import { createPgStore } from "./io/pg-store.ts";
import { createApplyRetention } from "./jobs/apply-retention.ts";
import { COMMITS_MAX, createGroupCommit } from "./jobs/group-commit.ts";
import { createDrainLane } from "./jobs/drain-lane.ts";
import { createSweepLanes } from "./jobs/sweep-lanes.ts";

/**
 * The longest wait for a row's lock. A workspace whose rows another transaction holds for longer is deferred, and
 * its drain retried; workspaces committed with it wait as long.
 */
const LOCK_MS_MAX = 200;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** The key that selects the shard of the fleet's one retention queue. */
const RETENTION = "retention";

const env = readEnvOrExit(envSchema);
const log = createLogger({ service: "worker", level: env.LOG_LEVEL, describeError: describeDatabaseError });
const life = createLifecycle({ log, closeTimeoutMs: 25_000 });
try {
  const policies = (await loadModule("POLICIES", env.POLICIES, definePolicies)) ?? {};
  const onError = (error: Error) => log.warn({ err: error }, "a Postgres or Redis connection failed");
  const telemetry = life.own("telemetry", await startTelemetry("syncline-worker", process.env, log), (t) =>
    t.shutdown(),
  );
  const pool = life.own(
    "postgres",
    openPool({
      databaseUrl: env.DATABASE_URL,
      // One connection for retention, one for the health and epoch checks.
      connectionsMax: COMMITS_MAX + 2,
      applicationName: "syncline-worker",
      lockMsMax: LOCK_MS_MAX,
      onError,
    }),
    (p) => p.end(),
  );
  const counts = { lanes: env.LANES, shards: env.REDIS_SHARDS };
  const settings = await claimSettings(pool, counts);
  const { epoch } = settings;
  life.own("epoch check", watchEpoch([pool], settings, { log, onEnd: life.fail }), (w) => w.stop());
  const redis = life.own("redis", openRedis(env, onError), (r) => r.close());
  const { shards } = redis;
  const shardsForJobs = redis.connectForJobs();
  const lanes = createLaneStreams(shards);
  const waker = life.own("wake-ups", createLaneWaker(shards, onError), (w) => w.close());
  const conflicts = life.own(
    "conflict queue",
    createConflictQueue(shards, mergeBackoffOf(env), onError),
    (q) => q.close(),
  );
  const windowOperationsMax = env.WINDOW_OPERATIONS_MAX;
  const drainWorkers: DrainWorker[] = [];
  const gate = createDeploymentGate({ rest: (ms) => drainWorkers.forEach(({ rest }) => rest(ms)), log });
  const metrics = createDrainMetrics();
  const store = observeStore(createPgStore(pool, epoch));
  const groupCommit = createGroupCommit(
    {
      lanes,
      waker,
      store,
      replies: createReplyPublisher(shards),
      conflicts,
      newId: uuidv7,
      policies,
      metrics: {
        ...metrics,
        committed(plan) {
          gate.succeeded();
          metrics.committed(plan);
        },
      },
      log,
    },
    {
      windowOperationsMax,
      ledgerRetentionMs: env.RETENTION_LEDGER_DAYS === 0 ? undefined : env.RETENTION_LEDGER_DAYS * DAY_MS,
    },
  );
  const drainLane = createDrainLane(
    { lanes, store, groupCommit, waker, isRunning: life.isRunning, metrics, log },
    { windowOperationsMax },
  );
  const [countDrainRetry, countRetentionRetry] = [
    createRetryCounter("drain"),
    createRetryCounter("retention"),
  ];
  for (const { index } of shards.all) {
    const sweepLanes = createSweepLanes({ lanes, waker }, { lanes: lanesOf(index, counts) });
    life.own(
      `sweep of shard ${index}`,
      repeat("the lane sweep", sweepLanes, { intervalMs: env.SWEEP_INTERVAL_MS, log }),
      (sweep) => sweep.stop(),
    );
  }
  const applyRetention = createApplyRetention(
    { store: createPgRetention(pool), isRunning: life.isRunning, log },
    {
      ledgerDays: env.RETENTION_LEDGER_DAYS,
      historyDays: env.RETENTION_HISTORY_DAYS,
      conflictsDays: env.RETENTION_CONFLICTS_DAYS,
      batchesDays: env.RETENTION_BATCHES_DAYS,
    },
  );
  life.own(
    "retention jobs",
    startRetentionWorker(shardsForJobs.of(RETENTION), applyRetention, {
      onFailure: (attempt, error) => {
        countRetentionRetry(error);
        const level = dispositionOf(error) === "fatal" ? "error" : "warn";
        log[level]({ err: error, attempt }, "retention could not be applied and will be tried again");
      },
      onError,
    }),
    (jobs) => jobs.close(),
  );
  const retentionSchedule = life.own(
    "retention queue",
    createRetentionSchedule(shards.of(RETENTION), { intervalMs: env.RETENTION_INTERVAL_MS, onError }),
    (schedule) => schedule.close(),
  );
  life.own(
    "retention schedule",
    repeat("the retention schedule", () => retentionSchedule.ensure(), {
      intervalMs: env.SWEEP_INTERVAL_MS,
      log,
    }),
    (schedule) => schedule.stop(),
  );
  // Closed before its dependencies: while the process stops, a drain would only wake its lane again.
  drainWorkers.push(
    ...shardsForJobs.all.map((shard) =>
      startDrainWorker(shard, drainLane, {
        concurrency: shareOf(env.WORKER_CONCURRENCY, shard.index, counts.shards),
        // The drain has logged its own failures. Other failures are those of its job, which come from Redis.
        onFailure: (part, attempt, error, isOwn) => {
          countDrainRetry(error);
          gate.failed(error);
          if (!isOwn)
            log.warn({ err: error, ...part, attempt }, "the job of a drain failed and will be tried again");
        },
        onError: (error) => {
          gate.failed(toRedisError(error));
          onError(error);
        },
      }),
    ),
  );
  life.own("drain jobs", drainWorkers, (workers) => Promise.all(workers.map((jobs) => jobs.close())));
  const checkPostgres = createPostgresCheck(pool);
  const redisChecks = createRedisChecks(shards);
  observePools({ worker: pool });
  observeStores({ postgres: checkPostgres, ...redisChecks.each });
  const health = {
    isRunning: life.isRunning,
    checkByName: { postgres: checkPostgres, redis: redisChecks.ready, deployment: gate.check },
  };
  const scrape = await serveMetrics(life, telemetry, health, env);
  const server = await listen(createHealthHandler({ ...health, scrape }), { host: env.HOST, port: env.PORT });
  life.own("health server", server, (s) => s.close());
  log.info({ port: server.port, concurrency: env.WORKER_CONCURRENCY }, "worker is ready");
} catch (error) {
  await life.fail(error);
}
await life.runUntilSignal();
