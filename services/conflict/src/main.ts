import {
  createApp,
  createHealthHandler,
  listen,
  openTokenVerifier,
  serveMetrics,
  tokenRulesOf,
} from "@syncline/kit/http";
import { createLifecycle, loadModule, observeStores, readEnvOrExit, repeat } from "@syncline/kit/process";
import { createLogger, startTelemetry, traceIdOf } from "@syncline/kit/telemetry";
import { createLaneStreams, createRedisChecks, openRedis, toRedisError } from "@syncline/lanes";
import {
  createConflictQueue,
  createDeploymentGate,
  createLaneWaker,
  createRetryCounter,
  mergeBackoffOf,
  startConflictWorker,
  type ConflictJob,
  type ConflictWorker,
} from "@syncline/lanes/queues";
import {
  claimSettings,
  createQuery,
  createPostgresCheck,
  describeDatabaseError,
  inWorkspaces,
  observePools,
  openPool,
  watchEpoch,
} from "@syncline/store";
import { dispositionOf, shareOf } from "@syncline/shared/protocol";
import { definePolicies } from "@syncline/shared/schemas";
import { envSchema } from "./env.ts";
import { observeConflicts } from "./io/conflict-metrics.ts";
import { createPgConflicts } from "./io/pg-conflicts.ts";
import { createMerger } from "./io/merger.ts";
import { createHookRunner } from "./io/run-hook.ts";
import { createRunRound } from "./jobs/run-round.ts";
import { createSweepConflicts } from "./jobs/sweep-conflicts.ts";
import { addRoutes } from "./routes/add-routes.ts";

/** Rounds run in the background and may take their time. */
const ROUNDS = { processesMax: 2, waitingMax: Infinity, timeoutMs: 30_000 };
/** Ingest waits 10 s for an answer, so reads end sooner. */
const READS = { processesMax: 2, waitingMax: 16, timeoutMs: 8_000 };

const env = readEnvOrExit(envSchema);
const log = createLogger({ service: "conflict", level: env.LOG_LEVEL, describeError: describeDatabaseError });
const life = createLifecycle({ log, closeTimeoutMs: 25_000 });
try {
  const policies = (await loadModule("POLICIES", env.POLICIES, definePolicies)) ?? {};
  const onError = (error: Error) => log.warn({ err: error }, "Postgres or Redis connection failed");
  const telemetry = life.own("telemetry", await startTelemetry("syncline-conflict", process.env, log), (t) =>
    t.shutdown(),
  );
  const connectionsMax = env.CONFLICT_CONCURRENCY + 2;
  const pool = life.own(
    "postgres",
    openPool({
      databaseUrl: env.DATABASE_URL,
      connectionsMax,
      applicationName: "syncline-conflict",
      onError,
    }),
    (p) => p.end(),
  );
  const settings = await claimSettings(pool, { lanes: env.LANES, shards: env.REDIS_SHARDS });
  life.own("epoch check", watchEpoch([pool], settings, { log, onEnd: life.fail }), (w) => w.stop());
  const redis = life.own("redis", openRedis(env, onError), (r) => r.close());
  const { shards } = redis;
  const conflicts = createPgConflicts(createQuery(pool));
  const waker = life.own("wake-ups", createLaneWaker(shards, onError), (w) => w.close());
  const backoff = mergeBackoffOf(env);
  const queue = life.own("conflict queue", createConflictQueue(shards, backoff, onError), (q) => q.close());
  const hooks = life.own("hooks", createHookRunner({ policies, log }, { file: env.POLICIES ?? "" }), (h) =>
    h.close(),
  );
  // Reads have processes of their own, so that they do not delay rounds.
  const rounds = life.own("merges", createMerger({ ...ROUNDS, log }), (m) => m.close());
  const reads = life.own("merges to read", createMerger({ ...READS, log }), (m) => m.close());
  const runRound = createRunRound(
    { conflicts, lanes: createLaneStreams(shards), waker, policies, merger: rounds, askHook: hooks.ask, log },
    { laneCount: env.LANES, roundsMax: env.MERGE_ROUNDS_MAX },
  );
  const countRetry = createRetryCounter("merge");
  const conflictWorkers: ConflictWorker[] = [];
  const gate = createDeploymentGate({ rest: (ms) => conflictWorkers.forEach(({ rest }) => rest(ms)), log });
  const mergeAndNote = async (job: ConflictJob) => {
    await runRound(job);
    gate.succeeded();
  };
  conflictWorkers.push(
    ...redis.connectForJobs().all.map((shard) =>
      startConflictWorker(shard, mergeAndNote, {
        concurrency: shareOf(env.CONFLICT_CONCURRENCY, shard.index, env.REDIS_SHARDS),
        onFailure: (job, error) => {
          countRetry(error);
          gate.failed(error);
          const level = dispositionOf(error) === "fatal" ? "error" : "warn";
          const { workspaceId, conflictId, round } = job ?? {};
          const traceId = job && traceIdOf(job.trace);
          log[level](
            { err: error, workspaceId, conflictId, round, traceId },
            "merge failed; it will be retried",
          );
        },
        onError: (error) => {
          gate.failed(toRedisError(error));
          onError(error);
        },
      }),
    ),
  );
  life.own("conflict jobs", conflictWorkers, (workers) => Promise.all(workers.map((jobs) => jobs.close())));
  const sweep = createSweepConflicts(
    { conflicts, queue, isRunning: life.isRunning },
    { stalledMs: env.SWEEP_INTERVAL_MS, backoff },
  );
  life.own(
    "sweep",
    repeat("the sweep for conflicts", sweep, { intervalMs: env.SWEEP_INTERVAL_MS, log }),
    (r) => r.stop(),
  );
  const tokens = life.own("tokens", openTokenVerifier(tokenRulesOf(env), log), (t) => t.stop());
  const checkPostgres = createPostgresCheck(pool);
  const redisChecks = createRedisChecks(shards);
  observePools({ conflict: pool });
  observeStores({ postgres: checkPostgres, ...redisChecks.each });
  observeConflicts(conflicts);
  const health = {
    isRunning: life.isRunning,
    checkByName: { postgres: checkPostgres, redis: redisChecks.ready, deployment: gate.check },
  };
  const scrape = await serveMetrics(life, telemetry, health, env);
  const app = createApp({
    verifyToken: tokens.verify,
    runAs: ({ roleByWorkspace, subject }, next) => inWorkspaces([...roleByWorkspace.keys()], next, subject),
    health: createHealthHandler({ ...health, scrape }),
    addRoutes: (routes) => addRoutes(routes, { conflicts, policies, merger: reads }),
    log,
  });
  const server = await listen(app, { host: env.HOST, port: env.PORT });
  life.own("server", server, (s) => s.close());
  life.own("connections", server, (s) => s.drainConnections(env.STOP_DELAY_MS));
  log.info({ port: server.port }, "conflict is ready");
} catch (error) {
  await life.fail(error);
}
await life.runUntilSignal();
