import { createApp, openTokenVerifier, tokenRulesOf } from "@syncline/kit/http";
import { loadModule } from "@syncline/kit/process";
import { startService } from "@syncline/kit/service";
import { createLaneStreams, openLanes } from "@syncline/lanes";
import { createConflictQueue, createLaneWaker, mergeBackoffOf } from "@syncline/lanes/queues";
import { createQuery, describeDatabaseError, inWorkspaces, openDatabase } from "@syncline/store";
import type { Policies } from "@syncline/shared/merge";
import { definePolicies } from "@syncline/shared/policies";
import { envSchema } from "./env.ts";
import { observeConflicts } from "./io/conflict-metrics.ts";
import { createPgConflicts } from "./io/pg-conflicts.ts";
import { createMerger } from "./io/merger.ts";
import { createHookRunner } from "./io/run-hook.ts";
import { createRunRound } from "./jobs/run-round.ts";
import { startRounds } from "./jobs/start-rounds.ts";
import { createSweepConflicts } from "./jobs/sweep-conflicts.ts";
import { addRoutes } from "./routes/add-routes.ts";

/** Rounds run in the background and may take their time. */
const ROUNDS = {
  processesMax: 2,
  waitingMax: Infinity,
  limits: { cpuMsMax: 30_000, waitMsMax: 10 * 60_000 },
};
/** Ingest waits 10 s for an answer, so reads end sooner. */
const READS = { processesMax: 2, waitingMax: 16, limits: { cpuMsMax: 5_000, waitMsMax: 8_000 } };

const options = { env: envSchema, describeError: describeDatabaseError };
await startService("conflict", options, async (service, env) => {
  const { log, isRunning, onConnectionError } = service;
  const policies =
    (await loadModule("POLICIES", env.POLICIES, (given: Policies) => definePolicies(given))) ?? {};
  const concurrency = env.CONFLICT_CONCURRENCY;
  const database = await openDatabase(service, env, { conflict: { connectionsMax: concurrency + 2 } });
  const conflicts = createPgConflicts(createQuery(database.pools.conflict));
  const redis = openLanes(service, env);
  const lanes = createLaneStreams(redis.shards);
  const waker = createLaneWaker(redis.shards, onConnectionError);
  service.own("wake-ups", waker, (w) => w.close());
  const backoff = mergeBackoffOf(env);
  const queue = createConflictQueue(redis.shards, backoff, onConnectionError);
  service.own("conflict queue", queue, (q) => q.close());
  const hooks = createHookRunner({ policies, log }, { file: env.POLICIES ?? "" });
  service.own("hooks", hooks, (h) => h.close());
  // Reads have processes of their own, so that they do not delay rounds.
  const rounds = service.own("merges", createMerger({ ...ROUNDS, log }), (m) => m.close());
  const reads = service.own("merges to read", createMerger({ ...READS, log }), (m) => m.close());
  const runRound = createRunRound(
    { conflicts, lanes, waker, policies, merger: rounds, askHook: hooks.ask, log },
    { laneCount: env.LANES, roundsMax: env.MERGE_ROUNDS_MAX },
  );
  const gate = startRounds(service, redis, runRound, { concurrency });
  const stalledMs = env.SWEEP_INTERVAL_MS;
  const sweep = createSweepConflicts({ conflicts, queue, isRunning }, { stalledMs, backoff });
  service.repeat("the sweep for conflicts", sweep, env.SWEEP_INTERVAL_MS);
  const tokens = service.own("tokens", openTokenVerifier(tokenRulesOf(env), log), (t) => t.stop());
  observeConflicts(conflicts);
  return {
    readiness: { postgres: database.check, redis: redis.checks.ready, deployment: gate.check },
    stores: { postgres: database.check, ...redis.checks.each },
    createHandler: (health) =>
      createApp({
        verifyToken: tokens.verify,
        runAs: ({ roleByWorkspace, subject }, next) =>
          inWorkspaces([...roleByWorkspace.keys()], next, subject),
        health,
        addRoutes: (routes) => addRoutes(routes, { conflicts, policies, merger: reads }),
        log,
      }),
  };
});
