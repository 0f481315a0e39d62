import type { RequestListener } from "node:http";
import type { z } from "zod";
import { createHealthHandler } from "../http/health.ts";
import { listen, type Listening } from "../http/listen.ts";
import type { Middleware } from "../http/middleware.ts";
import { serveMetrics } from "../http/serve-metrics.ts";
import { readEnvOrExit } from "../process/env.ts";
import { createLifecycle, type Lifecycle } from "../process/lifecycle.ts";
import type { ReadinessCheck } from "../process/readiness-check.ts";
import { repeat } from "../process/repeat.ts";
import type { Service } from "../process/service.ts";
import { observeStores } from "../process/store-metrics.ts";
import { createLogger, type DescribeError, type Logger } from "../telemetry/log.ts";
import { startTelemetry, type Telemetry } from "../telemetry/telemetry.ts";

/** The time limit for closing all resources of a service; an orchestrator usually kills it after 30 s. */
const CLOSE_MS_MAX = 25_000;

/** The variables that every service has; `STOP_DELAY_MS` if it serves requests. */
interface ServiceEnv {
  HOST: string;
  PORT: number;
  LOG_LEVEL: string;
  METRICS_PORT?: number | undefined;
  STOP_DELAY_MS?: number | undefined;
}

/** The parts of a service that face outwards, composed by its `main.ts`. */
export interface ServiceParts {
  /** The conditions for readiness, beside that the service runs. */
  readiness: Readonly<Record<string, ReadinessCheck>>;
  /** The stores whose availability is a metric. */
  stores: Readonly<Record<string, ReadinessCheck>>;
  /** Creates the handler of requests, behind the health routes. Without it only those are served. */
  createHandler?: (health: Middleware) => RequestListener;
  /** Bounds of the server: see {@link listen}. */
  bounds?: { requestTimeoutMs: number; connectionsMax: number };
  /** Ends long-lived responses, in this order; called before the server closes, which would wait for them. */
  endResponses?: readonly (() => void)[];
}

/**
 * Runs a service until a signal: reads its environment, starts its log and telemetry, composes it, serves its requests
 * or only its health and metrics, and closes everything in reverse order. A start that fails is logged, closes what was
 * opened, and ends the process with status 1.
 *
 * @param options - `describeError`: see {@link createLogger}
 * @param compose - opens the service's resources, and hands each one to {@link Service.own}
 */
export async function startService<S extends z.ZodObject & z.ZodType<ServiceEnv>>(
  name: string,
  options: { env: S; describeError: DescribeError },
  compose: (service: Service, env: z.infer<S>) => Promise<ServiceParts>,
): Promise<never> {
  const env = readEnvOrExit(options.env);
  const log = createLogger({ service: name, level: env.LOG_LEVEL, describeError: options.describeError });
  const life = createLifecycle({ log, closeTimeoutMs: CLOSE_MS_MAX });
  try {
    const telemetry = await startTelemetry(`syncline-${name}`, process.env, log);
    life.own("telemetry", telemetry, (t) => t.shutdown());
    const parts = await compose(serviceOf(life, log), env);
    const { port } = await serve(life, telemetry, parts, env);
    log.info({ port }, `${name} is ready`);
  } catch (error) {
    await life.fail(error);
  }
  return life.runUntilSignal();
}

function serviceOf(life: Lifecycle, log: Logger): Service {
  return {
    own: life.own,
    isRunning: life.isRunning,
    fail: life.fail,
    log,
    onConnectionError: (error) => log.warn({ err: error }, "Postgres or Redis connection failed"),
    repeat(task, run, intervalMs) {
      life.own(task, repeat(task, run, { intervalMs, log }), (repeating) => repeating.stop());
    },
  };
}

async function serve(
  life: Lifecycle,
  telemetry: Telemetry,
  parts: ServiceParts,
  env: ServiceEnv,
): Promise<Listening> {
  const { readiness, stores, createHandler, bounds, endResponses = [] } = parts;
  observeStores(stores);
  const health = { isRunning: life.isRunning, checkByName: readiness };
  const scrape = await serveMetrics(life, telemetry, health, env);
  const answerHealth = createHealthHandler({ ...health, scrape });
  const handler = createHandler?.(answerHealth) ?? answerHealth;
  const server = await listen(handler, { host: env.HOST, port: env.PORT, ...bounds });
  life.own("server", server, (s) => s.close());
  life.own("long-lived responses", endResponses, (ends) => ends.forEach((end) => end()));
  const { STOP_DELAY_MS: stopDelayMs } = env;
  if (stopDelayMs !== undefined) life.own("connections", server, (s) => s.drainConnections(stopDelayMs));
  return server;
}
