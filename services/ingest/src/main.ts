import {
  createApp,
  createHealthHandler,
  listen,
  openTokenVerifier,
  withTokenCache,
  serveMetrics,
  tokenRulesOf,
} from "@syncline/kit/http";
import { createLifecycle, loadModule, observeStores, readEnvOrExit, repeat } from "@syncline/kit/process";
import { createAuditLog, createLogger, startTelemetry } from "@syncline/kit/telemetry";
import {
  createBarrier,
  createLaneStreams,
  createReadBacklogs,
  createRedisChecks,
  observeLanes,
  observeRedisMemory,
  openRedis,
  subscribeReplies,
} from "@syncline/lanes";
import { createLaneWaker, mergeBackoffOf } from "@syncline/lanes/queues";
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
import { laneOf, lanesOf } from "@syncline/shared/protocol";
import { definePolicies } from "@syncline/shared/schemas";
import { v7 as uuidv7 } from "uuid";
import { OpenStreams } from "./core/open-streams.ts";
import { Shares } from "./core/shares.ts";
import { WaitingBatches } from "./core/waiting-batches.ts";
import { WatchedWorkspaces } from "./core/watched-workspaces.ts";
import { envSchema } from "./env.ts";
import { createAskConflictService } from "./io/conflict-service.ts";
import { createDeviceOwners } from "./io/device-owners.ts";
import { createFindOnLane } from "./io/find-on-lane.ts";
import { HeldQueueLimit } from "./io/held-queue-limit.ts";
import { createAcceptMetrics, observeWaiting } from "./io/ingest-metrics.ts";
import { createPgFeed } from "./io/pg-feed.ts";
import { createPgOperations } from "./io/pg-operations.ts";
import { watchDurability } from "./io/watch-durability.ts";
import { watchEach } from "./io/watch-each.ts";
import { watchMemory } from "./io/watch-memory.ts";
import { createPgReads } from "./io/pg-reads.ts";
import { createPrepareBodies } from "./io/prepare-bodies.ts";
import { createPollChanged } from "./io/poll-changed.ts";
import { createPollWaiting } from "./io/poll-waiting.ts";
import { queryInTurns } from "./io/query-in-turns.ts";
import { createRateLimits } from "./io/rate-limits.ts";
import { createGetOpenApi } from "./openapi/get-openapi.ts";
import { addRoutes } from "./routes/add-routes.ts";
import { createBoundRequests } from "./routes/bound-requests.ts";
import { createCarryDocuments } from "./routes/carry-documents.ts";
import { createFindBatch } from "./routes/find-batch.ts";
import { createFindLife } from "./routes/find-life.ts";
import { createForwardConflicts } from "./routes/forward-conflicts.ts";
import { createGetBatchEvents } from "./routes/get-batch-events.ts";
import { createGetBatch } from "./routes/get-batch.ts";
import { createGetChangeEvents } from "./routes/get-change-events.ts";
import { createGetChanges } from "./routes/get-changes.ts";
import { createGetDocument } from "./routes/get-document.ts";
import { createGetHistory } from "./routes/get-history.ts";
import { createGetOperation } from "./routes/get-operation.ts";
import { createGetRoot } from "./routes/get-root.ts";
import { createGetSnapshot } from "./routes/get-snapshot.ts";
import { createListOperations } from "./routes/list-operations.ts";
import { createOpenStream } from "./routes/open-stream.ts";
import { createPostBatch } from "./routes/post-batch.ts";
import { createReplayOperation } from "./routes/replay-operation.ts";
import { createResolveConflict } from "./routes/resolve-conflict.ts";
import { createTakeBatch } from "./routes/take-batch.ts";
import { createWithBody } from "./routes/with-body.ts";

/** Connections to Postgres. A process needs few, because none is held while a request waits. */
const CONNECTIONS = 8;
const FEED_CONNECTIONS = 4;

const env = readEnvOrExit(envSchema);
const log = createLogger({ service: "ingest", level: env.LOG_LEVEL, describeError: describeDatabaseError });
const life = createLifecycle({ log, closeTimeoutMs: 25_000 });
try {
  const policies = (await loadModule("POLICIES", env.POLICIES, definePolicies)) ?? {};
  const onError = (error: Error) => log.warn({ err: error }, "Postgres or Redis connection failed");
  const telemetry = life.own("telemetry", await startTelemetry("syncline-ingest", process.env, log), (t) =>
    t.shutdown(),
  );
  const pool = life.own(
    "postgres",
    openPool({
      databaseUrl: env.DATABASE_URL,
      connectionsMax: CONNECTIONS,
      applicationName: "syncline-ingest",
      onError,
    }),
    (p) => p.end(),
  );
  // A pool of its own, so that readers of the feed take no connection from requests that send batches.
  const feedPool = life.own(
    "postgres for the feed",
    openPool({
      databaseUrl: env.DATABASE_URL,
      connectionsMax: FEED_CONNECTIONS,
      applicationName: "syncline-ingest-feed",
      onError,
    }),
    (p) => p.end(),
  );
  const counts = { lanes: env.LANES, shards: env.REDIS_SHARDS };
  const settings = await claimSettings(pool, counts);
  const { epoch } = settings;
  life.own("epoch check", watchEpoch([pool, feedPool], settings, { log, onEnd: life.fail }), (w) => w.stop());
  const redis = life.own("redis", openRedis(env, onError), (r) => r.close());
  const { shards } = redis;
  const replyTo = uuidv7();
  const waiting = new WaitingBatches();
  const watched = new WatchedWorkspaces();
  const shares = { subject: env.SUBJECT_SHARE_PERCENT / 100, address: env.ADDRESS_SHARE_PERCENT / 100 };
  const sharedOut = (most: number) => new Shares({ most, shares });
  const streams = new OpenStreams(sharedOut(env.EVENT_STREAMS_MAX));
  const snapshots = new OpenStreams(sharedOut(env.SNAPSHOTS_MAX));
  const subscription = await subscribeReplies(
    redis.connectListener(),
    replyTo,
    {
      onBatch: ({ batchId, results }) => waiting.onBatch(batchId, results),
      onSettled: (settled) => {
        for (const { result, ...batch } of settled) waiting.onSettled(batch, result);
      },
      onChanged: (changed) => {
        for (const { workspaceId } of changed) watched.onCommit(workspaceId);
      },
    },
    log,
  );
  life.own("subscription", subscription, (s) => s.stop());

  const durability = life.own(
    "durability watches",
    await watchEach(shards, (connection) => watchDurability(connection, log)),
    (watches) => watches.stop(),
  );
  const memory = life.own(
    "memory watches",
    await watchEach(shards, (connection) => watchMemory(connection, log)),
    (watches) => watches.stop(),
  );

  const lanes = createLaneStreams(shards, {
    laneOperationsMax: env.LANE_WAITING_OPERATIONS_MAX,
    laneBytesMax: env.LANE_WAITING_BYTES_MAX,
    workspaceOperationsMax: env.WORKSPACE_WAITING_OPERATIONS_MAX,
  });
  const rateLimits = createRateLimits(shards, { workspace: env.RATE_WORKSPACE, subject: env.RATE_SUBJECT });
  const waker = life.own("wake-ups", createLaneWaker(shards, onError), (w) => w.close());
  const query = queryInTurns(createQuery(pool), CONNECTIONS);
  const reads = createPgReads(query);
  const operations = createPgOperations(query);
  const feed = createPgFeed(queryInTurns(createQuery(feedPool), FEED_CONNECTIONS));
  const findBatch = createFindBatch({ lanes, reads });
  const findOnLane = createFindOnLane();
  const findLife = createFindLife(
    {
      operations,
      findOnLane: (key) => {
        const lane = laneOf(key.workspaceId, env.LANES);
        return findOnLane(shards.ofLane(lane), lane, key);
      },
    },
    { mergeBackoff: mergeBackoffOf(env) },
  );
  const carryDocuments = createCarryDocuments({ reads, log });
  const takeBatch = createTakeBatch(
    {
      lanes,
      waker,
      waiting,
      durabilityOf: durability.ofLane,
      memoryOf: memory.ofLane,
      barrier: env.REDIS_CLUSTER === "true" ? createBarrier(redis) : undefined,
      reads,
      carryDocuments,
      rateLimits,
      audit: createAuditLog(log),
      metrics: createAcceptMetrics(),
      log,
    },
    { laneCount: env.LANES, windowMs: env.WINDOW_MS, waitMsMax: env.WAIT_MS_MAX },
  );
  const requests = createBoundRequests(sharedOut(env.REQUESTS_MAX));
  const openStream = createOpenStream(streams, requests);
  const withBody = createWithBody({
    memory: sharedOut(env.REQUEST_BYTES_MAX),
    rateMin: env.BODY_BYTES_PER_SECOND_MIN,
  });
  const bodies = life.own("threads for bodies", createPrepareBodies({ threads: env.BODY_THREADS }), (b) =>
    b.close(),
  );
  const deviceOwners = createDeviceOwners(reads);
  const askConflictService = createAskConflictService(env.CONFLICT_URL);
  const pollWaiting = createPollWaiting({ waiting, reads });
  life.own(
    "poll of waiting batches",
    repeat("the poll of waiting batches", pollWaiting, { intervalMs: 1_000, log }),
    (poll) => poll.stop(),
  );
  const heldQueueLimit = new HeldQueueLimit(query, operations);
  life.own(
    "poll of full held queues",
    repeat("the poll of full held queues", () => heldQueueLimit.look(), { intervalMs: 1_000, log }),
    (poll) => poll.stop(),
  );
  const pollChanged = createPollChanged({ watched, feed });
  life.own(
    "poll for commits",
    repeat("the poll for commits", pollChanged, { intervalMs: 2_000, log }),
    (poll) => poll.stop(),
  );
  const tokens = life.own("tokens", openTokenVerifier(tokenRulesOf(env), log), (t) => t.stop());
  const checkPostgres = createPostgresCheck(pool);
  const redisChecks = createRedisChecks(shards);
  observePools({ ingest: pool, "ingest-feed": feedPool });
  observeStores({ postgres: checkPostgres, ...redisChecks.each });
  observeWaiting({ streams: () => streams.size + snapshots.size, batches: () => waiting.size });
  // Observed here and not in the worker, because the backlog matters most while no worker runs.
  observeLanes(shards.all.map((shard) => createReadBacklogs(shard, lanesOf(shard.index, counts))));
  observeRedisMemory(shards);
  const health = {
    isRunning: life.isRunning,
    checkByName: { postgres: checkPostgres, redis: redisChecks.ready },
  };
  const scrape = await serveMetrics(life, telemetry, health, env);
  const app = createApp({
    verifyToken: withTokenCache(tokens.verify),
    corsOrigins: env.CORS_ORIGINS,
    trustProxy: env.TRUST_PROXY,
    runAs: ({ roleByWorkspace, subject }, next) => inWorkspaces([...roleByWorkspace.keys()], next, subject),
    health: createHealthHandler({ ...health, scrape }),
    admit: requests.admit,
    admitIdentified: requests.admitIdentified,
    addRoutes: (routes) =>
      addRoutes(routes, {
        getRoot: createGetRoot(),
        getOpenApi: createGetOpenApi(),
        postBatch: withBody(
          createPostBatch(
            { bodies, deviceOwners, heldQueueLimit, policies, takeBatch, newId: uuidv7 },
            { replyTo },
          ),
        ),
        getBatch: createGetBatch({ findBatch, carryDocuments }),
        getBatchEvents: createGetBatchEvents({ findBatch, carryDocuments, watched, openStream, log }),
        getDocument: createGetDocument(reads),
        getHistory: createGetHistory({ feed, reads }),
        getChanges: createGetChanges({ feed, watched, openStream, epoch }),
        getChangeEvents: createGetChangeEvents({ feed, watched, openStream, epoch, log }),
        getSnapshot: createGetSnapshot({
          feed,
          openStream: createOpenStream(snapshots, requests),
          epoch,
          log,
        }),
        listOperations: createListOperations(operations),
        getOperation: createGetOperation({ findLife, carryDocuments }),
        replayOperation: createReplayOperation(
          { findLife, operations, takeBatch, newId: uuidv7 },
          { replyTo },
        ),
        forwardConflicts: createForwardConflicts(askConflictService),
        resolveConflict: withBody(
          createResolveConflict(
            { askConflictService, bodies, deviceOwners, takeBatch, newId: uuidv7 },
            { replyTo },
          ),
        ),
      }),
    log,
  });
  const server = await listen(app, {
    host: env.HOST,
    port: env.PORT,
    requestTimeoutMs: env.REQUEST_TIMEOUT_MS,
    connectionsMax: env.CONNECTIONS_MAX,
  });
  life.own("server", server, (s) => s.close());
  life.own("open streams", streams, (s) => s.close());
  life.own("open snapshots", snapshots, (s) => s.close());
  // Waiting requests are answered with the known results, so that the server can end.
  life.own("waiting requests", waiting, (w) => w.close());
  life.own("connections", server, (s) => s.drainConnections(env.STOP_DELAY_MS));
  log.info({ port: server.port }, "ingest is ready");
} catch (error) {
  await life.fail(error);
}
await life.runUntilSignal();
