import { createApp, openTokenVerifier, tokenRulesOf, withTokenCache } from "@syncline/kit/http";
import { loadModule } from "@syncline/kit/process";
import { startService } from "@syncline/kit/service";
import { createReadBacklogs, observeLanes, observeRedisMemory, openLanes } from "@syncline/lanes";
import { describeDatabaseError, inWorkspaces, openDatabase } from "@syncline/store";
import { lanesOf } from "@syncline/shared/protocol";
import type { Policies } from "@syncline/shared/merge";
import { definePolicies } from "@syncline/shared/policies";
import { envSchema } from "./env.ts";
import { observeWaiting } from "./io/ingest-metrics.ts";
import { createBounds } from "./parts/create-bounds.ts";
import { createHandlers } from "./parts/create-handlers.ts";
import { openIntake } from "./parts/open-intake.ts";
import { openReads, POOLS } from "./parts/open-reads.ts";
import { openReplies } from "./parts/open-replies.ts";
import { addRoutes } from "./parts/add-routes.ts";
import { createCarryDocuments } from "./routes/carry-documents.ts";

const options = { env: envSchema, describeError: describeDatabaseError };
await startService("ingest", options, async (service, env) => {
  const { log } = service;
  const policies =
    (await loadModule("POLICIES", env.POLICIES, (given: Policies) => definePolicies(given))) ?? {};
  const database = await openDatabase(service, env, POOLS);
  const redis = openLanes(service, env);
  const reads = openReads(service, database.pools);
  const replies = await openReplies(service, redis, reads);
  const { waiting } = replies;
  const carryDocuments = createCarryDocuments({ reads: reads.reads, log });
  const intake = await openIntake(service, env, redis, { waiting, reads: reads.reads, carryDocuments });
  const bounds = createBounds(env);
  const { requests, streams, snapshots } = bounds;
  const { epoch } = database;
  const parts = { service, env, redis, bounds, carryDocuments, policies, epoch };
  const handlers = createHandlers({ ...parts, ...reads, ...replies, ...intake });
  const tokens = service.own("tokens", openTokenVerifier(tokenRulesOf(env), log), (t) => t.stop());

  observeWaiting({ streams: () => streams.size + snapshots.size, batches: () => waiting.size });
  // Observed here and not in the worker, because the backlog matters most while no worker runs.
  const counts = { lanes: env.LANES, shards: env.REDIS_SHARDS };
  const { shards, checks } = redis;
  observeLanes(shards.all.map((shard) => createReadBacklogs(shard, lanesOf(shard.index, counts))));
  observeRedisMemory(shards);

  return {
    readiness: { postgres: database.check, redis: checks.ready },
    stores: { postgres: database.check, ...checks.each },
    createHandler: (health) =>
      createApp({
        verifyToken: withTokenCache(tokens.verify),
        corsOrigins: env.CORS_ORIGINS,
        trustProxy: env.TRUST_PROXY,
        runAs: ({ roleByWorkspace, subject }, next) =>
          inWorkspaces([...roleByWorkspace.keys()], next, subject),
        health,
        admit: requests.admit,
        admitIdentified: requests.admitIdentified,
        addRoutes: (routes) => addRoutes(routes, handlers),
        log,
      }),
    bounds: { requestTimeoutMs: env.REQUEST_TIMEOUT_MS, connectionsMax: env.CONNECTIONS_MAX },
    // Waiting requests are answered with the known results, so that the server can end.
    endResponses: [() => waiting.close(), () => snapshots.close(), () => streams.close()],
  };
});
