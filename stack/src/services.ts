import type { RoleUrls } from "./database-roles.ts";
import type { ProcessSpec } from "./managed-process.ts";
import { REPOSITORY } from "./repository.ts";
import { sourcePrograms, type ServiceName, type ServicePrograms } from "./service-programs.ts";

const HOST = "127.0.0.1";
const READINESS_ANSWER_MS_MAX = 20_000;

export interface ServiceSettings {
  /** The database's URL for each service. */
  readonly databaseUrls: Pick<RoleUrls, "syncline_ingest" | "syncline_conflict" | "syncline_worker">;
  readonly redisUrl: string;
  /** The secret that ingest verifies tokens with (HS256), 32 characters or more. */
  readonly jwtSecret: string;
  readonly ports: Record<keyof ServiceSpecs, readonly number[]>;
  /** More configuration, for all services. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Default: the sources. */
  readonly programs?: ServicePrograms | undefined;
}

/** One process for each port, in the order of the ports. */
export interface ServiceSpecs {
  readonly ingests: readonly ProcessSpec[];
  readonly conflicts: readonly ProcessSpec[];
  readonly workers: readonly ProcessSpec[];
}

/** Describes the processes of the three services, for `npm start`, tests and benchmarks alike. */
export function describeServices(settings: ServiceSettings): ServiceSpecs {
  const { ports, jwtSecret } = settings;
  const conflictUrls = ports.conflicts.map(serviceUrl);
  return {
    ingests: ports.ingests.map((port, index) =>
      describeService("ingest", index, port, settings, {
        JWT_SECRET: jwtSecret,
        CONFLICT_URL: conflictUrls[index % conflictUrls.length],
      }),
    ),
    conflicts: ports.conflicts.map((port, index) =>
      describeService("conflict", index, port, settings, { JWT_SECRET: jwtSecret }),
    ),
    workers: ports.workers.map((port, index) => describeService("worker", index, port, settings)),
  };
}

/** The URL of a service. */
export function serviceUrl(port: number): string {
  return `http://${HOST}:${port}`;
}

function describeService(
  service: ServiceName,
  index: number,
  port: number,
  { databaseUrls, redisUrl, env, programs = sourcePrograms }: ServiceSettings,
  own: NodeJS.ProcessEnv = {},
): ProcessSpec {
  const program = programs(service);
  return {
    name: `${service}-${index + 1}`,
    command: process.execPath,
    args: program.args,
    env: {
      STOP_DELAY_MS: "0", // no load balancer needs time to notice
      ...process.env,
      ...program.env,
      DATABASE_URL: databaseUrls[`syncline_${service}`],
      REDIS_URL: redisUrl,
      HOST,
      PORT: String(port),
      ...own,
      ...env,
    },
    cwd: REPOSITORY,
    stopSignals: ["SIGTERM", "SIGKILL"],
    whyNotReady: () => askReadiness(port),
  };
}

/** @returns the reason why the service is not ready, `undefined` once it is */
async function askReadiness(port: number): Promise<string | undefined> {
  let response: Response;
  try {
    response = await fetch(`${serviceUrl(port)}/readyz`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(READINESS_ANSWER_MS_MAX),
    });
  } catch {
    return `it does not answer on port ${port} yet`;
  }
  const body = await response.text().catch(() => "");
  return response.ok ? undefined : `it is not ready: ${body.trim()}`;
}
