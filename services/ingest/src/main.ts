import {
  claimSettings,
  createApp,
  connectRedis,
  createHealthHandler,
  createLaneStreams,
  createLaneWaker,
  createLifecycle,
  createLogger,
  createTokenVerifier,
  durabilityFaults,
  listen,
  openPool,
  readEnvOrExit,
  repeat,
  startTelemetry,
  subscribeReplies,
} from "@syncline/runtime";
import { v7 as uuidv7 } from "uuid";
import { WaitingBatches } from "./core/waiting-batches.ts";
import { envSchema } from "./env.ts";
import { createDeviceOwners } from "./io/device-owners.ts";
import { createPgReads } from "./io/pg-reads.ts";
import { createPollWaiting } from "./io/poll-waiting.ts";
import { createForwardConflicts } from "./routes/forward-conflicts.ts";
import { createGetBatch } from "./routes/get-batch.ts";
import { createGetChanges } from "./routes/get-changes.ts";
import { createGetDocument } from "./routes/get-document.ts";
import { addRoutes } from "./routes/add-routes.ts";
import { createPostBatch } from "./routes/post-batch.ts";

const env = readEnvOrExit(envSchema);
const log = createLogger({ service: "ingest", level: env.LOG_LEVEL });
const life = createLifecycle({ log, closeTimeoutMs: 25_000 });
try {
  const onError = (error: Error) => log.warn({ err: error }, "a connection failed");
  life.own("telemetry", await startTelemetry("syncline-ingest", process.env), (telemetry) =>
    telemetry.shutdown(),
  );
  const pool = life.own(
    "postgres",
    openPool({
      databaseUrl: env.DATABASE_URL,
      connectionsMax: 8,
      applicationName: "syncline-ingest",
      onError,
    }),
    (p) => p.end(),
  );
  const { epoch } = await claimSettings(pool, env.LANES);
  const redis = life.own("redis", connectRedis(env.REDIS_URL, onError), (r) => r.quit());
  const subscriber = life.own("redis for replies", connectRedis(env.REDIS_URL, onError), (r) => r.quit());
  const replyTo = uuidv7();
  const waiting = new WaitingBatches();
  await subscribeReplies(subscriber, replyTo, {
    onBatch: ({ batchId, results }) => waiting.onBatch(batchId, results),
    onSettled: (settled) => {
      for (const { workspaceId, deviceId, result } of settled)
        waiting.onSettled(workspaceId, deviceId, result);
    },
  });

  let faults = await durabilityFaults(redis);
  if (faults.length > 0)
    log.warn({ faults }, "this Redis may lose what it was given, so nothing is answered 202");
  // A Redis that comes back may be another one, set up in another way.
  redis.on("ready", () => {
    durabilityFaults(redis).then(
      (found) => (faults = found),
      (error: unknown) => log.warn({ err: error }, "the settings of Redis could not be read"),
    );
  });

  const lanes = createLaneStreams(redis);
  const waker = life.own("wake-ups", createLaneWaker(redis), (w) => w.close());
  const reads = createPgReads(pool);
  const deviceOwners = createDeviceOwners(reads);
  const pollWaiting = createPollWaiting({ waiting, reads });
  life.own("status look-up", repeat("the status look-up", pollWaiting, { intervalMs: 1_000, log }), (poll) =>
    poll.stop(),
  );
  const app = createApp({
    verifyToken: createTokenVerifier(env.JWT_SECRET),
    health: createHealthHandler({
      isRunning: life.isRunning,
      checkByName: {
        postgres: async () => void (await pool.query("SELECT 1")),
        redis: async () => void (await redis.ping()),
      },
    }),
    addRoutes: (routes) =>
      addRoutes(routes, {
        postBatch: createPostBatch(
          { lanes, waker, waiting, deviceOwners, newId: uuidv7, durabilityFaults: () => faults, log },
          { laneCount: env.LANES, replyTo, windowMs: env.WINDOW_MS, waitMsMax: env.WAIT_MS_MAX },
        ),
        getBatch: createGetBatch({ lanes, reads }),
        getDocument: createGetDocument(reads),
        getChanges: createGetChanges(reads, epoch),
        forwardConflicts: createForwardConflicts(env.CONFLICT_URL),
      }),
    log,
  });
  const server = await listen(app, { host: env.HOST, port: env.PORT });
  life.own("server", server, (s) => s.close());
  // The first to be closed: whoever waits is answered with what is known, so that the server can end.
  life.own("waiting requests", waiting, (w) => w.close());
  log.info({ port: server.port }, "ingest is ready");
} catch (error) {
  await life.failStart(error);
}
await life.runUntilSignal();
