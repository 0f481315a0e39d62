import type { Shape } from "../load/shape.ts";
import type { Contender } from "../contender.ts";
import { builtPrograms } from "../../stack/src/service-programs.ts";
import { startSyncline, type RunningSyncline } from "../../stack/src/testing/start-syncline.ts";
import { LoadProcess } from "../load/load-process.ts";
import type { ProcessGroups } from "../measure/process-cpu.ts";
import { holdDatabase } from "../proxy/hold-database.ts";
import { startProxy } from "../proxy/start-proxy.ts";
import type { Stores } from "../database/stores.ts";
import type { BatchApiOwn } from "../targets/batch-api.ts";
import { verifyApplied } from "../database/verify-applied.ts";
import { GROUND, workspaceId, type Ground } from "../workload/documents.ts";
import { deviceOf, workspacesOf, type WorkKind } from "../workload/workload.ts";

export interface SynclineOptions {
  readonly name?: string;
  readonly workers?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Asks for 202. */
  readonly isAsync?: boolean;
  /** Replaces the case's shape. */
  readonly shape?: Shape;
  readonly work?: WorkKind;
  /** The database's initial content; it must agree with `createDatabase`. */
  readonly ground?: Ground;
  readonly createDatabase?: (stores: Stores) => Promise<string>;
  /** Added to every round trip to Postgres. */
  readonly databaseDelayMs?: number;
}

/** The time within which every 202 must be applied; the last ones wait behind all others. */
const APPLIED_WITHIN_MS = 120_000;

/** The three services as in production: one process each, built, with their default configuration. */
export function syncline(options: SynclineOptions = {}): Contender {
  const { name = "syncline", isAsync = false, work = "mixed", ground = GROUND } = options;
  return {
    name,
    async start(stores, caseShape) {
      const shape = options.shape ?? caseShape;
      const databaseUrl = await (options.createDatabase?.(stores) ?? stores.createSeededDatabase());
      const proxy =
        options.databaseDelayMs === undefined
          ? undefined
          : await startProxy({ targetUrl: databaseUrl, roundTripMs: options.databaseDelayMs });
      const system = await startSystem(stores, proxy?.url ?? databaseUrl, options);
      const load = await LoadProcess.start({
        target: "batch-api",
        url: system.ingestUrl,
        own: {
          path: "/api/v1/documents/batch",
          tokens: await createTokens(system, ground, shape),
          ...(isAsync ? { prefer: "respond-async", status: 202 } : { status: 200 }),
        } satisfies BatchApiOwn,
        shape,
        ground,
        work,
        seed: 1,
      });
      return {
        name,
        shape,
        load,
        processes: {
          load: [load.pid],
          ...serviceProcesses(system),
          ...storeProcesses(stores),
          ...(proxy && { proxy: [proxy.pid] }),
        },
        verify: ({ requests, operations }) =>
          verifyApplied(
            databaseUrl,
            { operations, changes: work === "one document" ? requests : operations },
            isAsync ? APPLIED_WITHIN_MS : 0,
          ),
        ...(proxy && { database: holdDatabase(proxy, databaseUrl) }),
        async stop() {
          await load.stop();
          await system.stop();
          await proxy?.stop();
        },
      };
    },
  };
}

export async function startSystem(
  stores: Stores,
  databaseUrl: string,
  { workers = 1, env = {} }: Pick<SynclineOptions, "workers" | "env">,
): Promise<RunningSyncline> {
  return startSyncline({
    databaseUrl,
    redisUrl: await stores.createRedisUrl(),
    workers,
    env: { NODE_ENV: "production", ...env },
    programs: builtPrograms,
    home: stores.home,
  });
}

export function serviceProcesses({ ingests, workers, conflicts }: RunningSyncline): ProcessGroups {
  const pidsOf = (processes: readonly { pid: number | undefined }[]) => processes.map(({ pid }) => pid ?? 0);
  return { ingest: pidsOf(ingests), worker: pidsOf(workers), conflict: pidsOf(conflicts) };
}

export function storeProcesses({ postgresPid, redisPid }: Stores): ProcessGroups {
  return { postgres: [postgresPid], redis: [redisPid] };
}

/** Issues a token for each workspace of each device, as an identity provider would. */
export async function createTokens(
  system: RunningSyncline,
  ground: Ground,
  { connections }: Shape,
): Promise<Record<string, Record<string, string>>> {
  const tokens: Record<string, Record<string, string>> = {};
  for (let connection = 0; connection < connections; connection++) {
    for (const workspace of workspacesOf(ground, connections, connection)) {
      const id = workspaceId(workspace);
      const device = deviceOf(connection);
      (tokens[id] ??= {})[device] = await system.token({ [id]: "writer" }, { subject: `user_${connection}` });
    }
  }
  return tokens;
}
