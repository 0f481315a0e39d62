import { randomUUID } from "node:crypto";
import { migrate } from "@syncline/store";
import { startSyncline, type RunningSyncline } from "@syncline/stack";
import { laneOf } from "@syncline/shared/protocol";
import { startLocalStores } from "../../stack/src/testing/test-stores.ts";
import { readCpuSeconds, subtract } from "../measure/process-cpu.ts";

/** The services' default. */
const LANE_COUNT = 16;

/** A Syncline of its own, configured by default, with a process of each service. */
export interface AbuseSystem {
  readonly syncline: RunningSyncline;
  readonly databaseUrl: string;
  /** A subject of its own, in a workspace of its own. */
  readonly createClient: (options?: ClientOptions) => Promise<AbuseClient>;
  /** CPU seconds that each service and store uses while something happens. */
  readonly cpuDuring: (action: () => Promise<void>) => Promise<Record<string, number>>;
  readonly stop: () => Promise<void>;
}

export interface ClientOptions {
  /** On this workspace's lane; by default on any other lane. */
  readonly neighbourOf?: string;
  /** The device in its batches; none by default. */
  readonly device?: string;
}

export interface AbuseClient {
  readonly workspaceId: string;
  readonly token: string;
  /** Sends operations as one batch, and waits until each has its final answer. */
  readonly send: (operations: readonly object[], more?: object) => Promise<BatchAnswer>;
  readonly get: (path: string) => Promise<{ status: number; body: unknown }>;
  readonly post: (path: string, body: unknown) => Promise<{ status: number; body: unknown }>;
}

export interface BatchAnswer {
  readonly status: number;
  readonly results: readonly { status: string; error_type?: string; conflict_id?: string }[];
}

export async function startAbuseSystem(): Promise<AbuseSystem> {
  const stores = await startLocalStores();
  let syncline: RunningSyncline;
  try {
    await migrate({ databaseUrl: stores.databaseServerUrl });
    syncline = await startSyncline({
      databaseUrl: stores.databaseServerUrl,
      redisUrl: stores.redisUrl,
      home: stores.home,
      env: { LANES: String(LANE_COUNT), LOG_LEVEL: "warn" },
    });
  } catch (error) {
    await stores.stop();
    throw error;
  }
  const groups = () => ({
    ingest: pidsOf(syncline.ingests),
    worker: pidsOf(syncline.workers),
    conflict: pidsOf(syncline.conflicts),
    postgres: pidsOf([stores.postgres]),
    redis: pidsOf([stores.redis]),
  });

  return {
    syncline,
    databaseUrl: stores.databaseServerUrl,
    createClient: (options = {}) => createClient(syncline, options),
    async cpuDuring(action) {
      const before = readCpuSeconds(groups());
      await action();
      return subtract(readCpuSeconds(groups()), before);
    },
    async stop() {
      await syncline.stop();
      await stores.stop();
    },
  };
}

async function createClient(
  syncline: RunningSyncline,
  { neighbourOf, device = "device" }: ClientOptions,
): Promise<AbuseClient> {
  let workspaceId = randomUUID();
  if (neighbourOf !== undefined) {
    const lane = laneOf(neighbourOf, LANE_COUNT);
    while (laneOf(workspaceId, LANE_COUNT) !== lane) workspaceId = randomUUID();
  }
  const token = await syncline.token({ [workspaceId]: "admin" }, { subject: workspaceId });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const call = async (path: string, init: RequestInit) => {
    const response = await fetch(`${syncline.ingestUrl}${path}`, { ...init, headers });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : (JSON.parse(text) as unknown) };
  };
  const get = (path: string) => call(path, {});
  const post = (path: string, body: unknown) => call(path, { method: "POST", body: JSON.stringify(body) });

  return {
    workspaceId,
    token,
    get,
    post,
    async send(operations, more = {}) {
      const batch = {
        workspace_id: workspaceId,
        device_id: device,
        ...more,
        operations: operations.map((operation) => ({ client_id: randomUUID(), ...operation })),
      };
      let answer = await post("/api/v1/documents/batch", batch);
      // 202: the results come later.
      while (answer.status === 202 || isUnderWay(answer.body)) {
        const { batch_id: batchId } = answer.body as { batch_id: string };
        await new Promise((resolve) => setTimeout(resolve, 100));
        answer = await get(`/api/v1/batches/${batchId}`);
      }
      const { results = [] } = (answer.body ?? {}) as Partial<BatchAnswer>;
      return { status: answer.status, results };
    },
  };
}

function isUnderWay(body: unknown): boolean {
  const { status } = (body ?? {}) as { status?: string };
  return status === "pending" || status === "syncing";
}

function pidsOf(processes: readonly { pid: number | undefined }[]): number[] {
  return processes.flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
}
