import { createLaneStreams, openRedis, type LaneStreams, type Shards } from "@syncline/lanes";
import { migrate, openPool } from "@syncline/store";
import {
  startLocalStores,
  startSyncline,
  type LocalStores,
  type ManagedProcess,
  type RunningSyncline,
} from "@syncline/stack";
import { openControl, type Control } from "./control.ts";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** The name and the number of processes of each service. */
export const SERVICES = { ingest: 2, worker: 3, conflict: 2 } as const;
export type ServiceName = keyof typeof SERVICES;

/** A whole Syncline, as separate processes that are restarted when they end, on stores that faults may hit. */
export interface ChaosSystem {
  stores: LocalStores;
  syncline: RunningSyncline;
  processesOf: (service: ServiceName) => readonly ManagedProcess[];
  /** All processes. */
  processes: () => ManagedProcess[];
  /**
   * The proxies from all services to the stores. Redis has none on a cluster, because its nodes announce their own
   * addresses.
   */
  lines: { postgres: TcpProxy; redis: TcpProxy | undefined };
  control: Control;
  /** Direct, without the proxies. */
  pool: ReturnType<typeof openPool>;
  /** Direct, without the proxies. */
  shards: Shards;
  lanes: LaneStreams;
  stop(): Promise<void>;
}

/** The number of shards that share the lanes on a cluster. */
const CLUSTER_SHARDS = 4;

/** @param cluster - uses a Redis Cluster of six nodes instead of one Redis */
export async function startChaosSystem({ cluster }: { cluster: boolean }): Promise<ChaosSystem> {
  const stores = await startLocalStores({ cluster });
  const control = await openControl();
  const lines = {
    postgres: await openTcpProxy(() => portOf(stores.databaseServerUrl)),
    redis: cluster ? undefined : await openTcpProxy(() => portOf(stores.redisUrl)),
  };
  const quiet = () => undefined; // faults make stores unreachable on purpose
  const pool = openPool({
    databaseUrl: stores.databaseServerUrl,
    connectionsMax: 4,
    applicationName: "chaos",
    onError: quiet,
  });
  const redisEnv = {
    REDIS_CLUSTER: cluster ? "true" : "false",
    REDIS_SHARDS: cluster ? CLUSTER_SHARDS : 1,
  } as const;
  const redis = openRedis({ REDIS_URL: stores.redisUrl.split(","), ...redisEnv }, quiet);
  async function stopStores(): Promise<void> {
    await pool.end();
    await redis.close();
    control.close();
    await Promise.all([lines.postgres.close(), lines.redis?.close()]);
    await stores.stop();
  }
  try {
    await migrate({ databaseUrl: stores.databaseServerUrl });
    const syncline = await startSyncline({
      databaseUrl: withPort(stores.databaseServerUrl, lines.postgres.port),
      redisUrl: lines.redis === undefined ? stores.redisUrl : withPort(stores.redisUrl, lines.redis.port),
      home: stores.home,
      ingests: SERVICES.ingest,
      workers: SERVICES.worker,
      conflicts: SERVICES.conflict,
      keepAlive: true,
      env: {
        ...control.env,
        REDIS_CLUSTER: redisEnv.REDIS_CLUSTER,
        REDIS_SHARDS: String(redisEnv.REDIS_SHARDS),
        // Logs each drained window, with its process.
        LOG_LEVEL: "debug",
        // A run is too short for rounds that wait a minute, and for requests that wait for data that Redis has lost.
        MERGE_ROUNDS_MAX: "3",
        WAIT_MS_MAX: "10000",
      },
    });
    const byService = { ingest: syncline.ingests, worker: syncline.workers, conflict: syncline.conflicts };
    return {
      stores,
      syncline,
      processesOf: (service) => byService[service],
      processes: () => Object.values(byService).flat(),
      lines,
      control,
      pool,
      shards: redis.shards,
      lanes: createLaneStreams(redis.shards),
      async stop() {
        await syncline.stop();
        await stopStores();
      },
    };
  } catch (error) {
    await stopStores();
    throw error;
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function withPort(url: string, port: number): string {
  const moved = new URL(url);
  moved.port = String(port);
  return moved.href;
}
