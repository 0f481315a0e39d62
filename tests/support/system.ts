import { randomUUID } from "node:crypto";
import { createLaneStreams, createShards, connectRedis, type LaneStreams } from "@syncline/lanes";
import { openPool } from "@syncline/store";
import type { BatchResult } from "@syncline/shared/protocol";
import {
  createTestDatabase,
  createTestRedisUrl,
  startSyncline,
  testedPrograms,
  type RunningSyncline,
  type StartSynclineOptions,
} from "@syncline/stack";
import { PATIENCE_MS } from "./patience.ts";

/** The services' default number of lanes. */
export const LANE_COUNT = 16;

type Pool = ReturnType<typeof openPool>;

/** A whole Syncline of real processes on stores of its own, with access behind the API. */
export interface System {
  syncline: RunningSyncline;
  pool: Pool;
  redis: ReturnType<typeof connectRedis>;
  lanes: LaneStreams;
  /** The number of entries on all lanes. */
  entriesOnLanes(): Promise<number>;
  stop(): Promise<void>;
}

export async function startSystem(
  options: Omit<StartSynclineOptions, "databaseUrl" | "redisUrl"> = {},
): Promise<System> {
  const database = await createTestDatabase();
  const redisUrl = await createTestRedisUrl();
  const { databaseUrl } = database;
  const syncline = await startSyncline({ databaseUrl, redisUrl, programs: testedPrograms(), ...options });
  const fail = (error: Error) => {
    console.error(error);
  };
  const pool = openPool({
    databaseUrl,
    connectionsMax: 2,
    applicationName: "syncline-test",
    onError: fail,
  });
  // A busy machine may take longer than a service would wait.
  pool.options.connectionTimeoutMillis = PATIENCE_MS;
  const redis = connectRedis(redisUrl, fail);
  const lanes = createLaneStreams(createShards([redis]));
  return {
    syncline,
    pool,
    redis,
    lanes,
    async entriesOnLanes() {
      const busy = await lanes.lanesWithEntries([...Array(LANE_COUNT).keys()]);
      const windows = await Promise.all(busy.map((lane) => lanes.readWindow({ lane }, 100_000)));
      const deferred = await lanes.listDeferred([...Array(LANE_COUNT).keys()]);
      windows.push(...(await Promise.all(deferred.map((part) => lanes.readWindow(part, 100_000)))));
      return windows.reduce((sum, { entries }) => sum + entries.length, 0);
    },
    async stop() {
      await syncline.stop();
      await redis.quit();
      await pool.end();
      await database.drop();
    },
  };
}

/** The system that this process's test files use one after the other, with its initial processes. */
let shared: Promise<System> | undefined;

/**
 * Lends a default system to a test file, which returns it with `stop()`. For files that use only workspaces of their
 * own: they change no settings, tables, or limits of the stores, and read no metrics that other files affect. A file
 * may stop services. The next file gets all of them running, with empty lanes and no open transaction, or a new system:
 * if a file left something behind, `stop()` fails, and so does the file.
 */
export async function borrowSystem(): Promise<System> {
  shared ??= startSystem();
  try {
    const system = await shared;
    return { ...system, stop: () => giveBack(system) };
  } catch (error) {
    shared = undefined;
    throw error;
  }
}

async function giveBack(system: System): Promise<void> {
  try {
    await requireAsLent(system);
  } catch (error) {
    shared = undefined;
    await system.syncline.stop();
    throw error;
  }
}

async function requireAsLent(system: System): Promise<void> {
  const { syncline, pool } = system;
  const services = [...syncline.ingests, ...syncline.conflicts, ...syncline.workers];
  await Promise.all(services.filter(({ pid }) => pid === undefined).map((service) => service.start()));
  if (pool.idleCount !== pool.totalCount) throw new Error("The file still has a connection to Postgres open");
  await eventually(async () => {
    if ((await system.entriesOnLanes()) > 0) throw new Error("The file left entries on the lanes");
    for (const service of services)
      if (!(await service.isReady())) throw new Error(`${service.name} is not ready`);
  });
}

/** An answer with its body read. */
export interface Answer<T = BatchResult> {
  status: number;
  headers: Headers;
  body: T;
}

/** One client of ingest in one workspace. */
export interface Client {
  workspaceId: string;
  post(batch: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>;
  postRaw(
    body: string | Uint8Array,
    headers?: Record<string, string>,
  ): Promise<Answer<Record<string, unknown>>>;
  /** Sends a person's decision on a conflict. */
  resolve<T = BatchResult>(
    conflictId: string,
    decision: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
  /** Replays a failed operation. */
  replay(clientId: string, deviceId: string, headers?: Record<string, string>): Promise<Answer>;
  /** `path` is below the workspace. */
  get<T>(path: string, headers?: Record<string, string>): Promise<Answer<T>>;
  getAbsolute<T>(path: string, headers?: Record<string, string>): Promise<Answer<T>>;
}

export async function createClient(
  { syncline }: Pick<System, "syncline">,
  options: {
    workspaceId?: string;
    subject?: string;
    token?: string;
    ingestUrl?: string;
    /** After this time without an answer a request fails. */
    timeoutMs?: number;
  } = {},
): Promise<Client> {
  const workspaceId = options.workspaceId ?? randomUUID();
  const subject = options.subject ?? "alice";
  const ingestUrl = options.ingestUrl ?? syncline.ingestUrl;
  const token = options.token ?? (await syncline.token({ [workspaceId]: "admin" }, { subject }));
  const authorization = `Bearer ${token}`;

  async function send<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    const { timeoutMs } = options;
    const signal = timeoutMs === undefined ? null : AbortSignal.timeout(timeoutMs);
    const response = await fetch(ingestUrl + path, { ...init, signal });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === "" ? {} : JSON.parse(text)) as T,
    };
  }
  const postRaw = <T>(body: string | Uint8Array, headers: Record<string, string> = {}) =>
    send<T>("/api/v1/documents/batch", {
      method: "POST",
      headers: { "content-type": "application/json", authorization, ...headers },
      body: typeof body === "string" ? body : new Blob([Uint8Array.from(body)]),
    });
  const getAbsolute = <T>(path: string, headers: Record<string, string> = {}) =>
    send<T>(path, { headers: { authorization, ...headers } });
  return {
    workspaceId,
    post: (batch, headers) =>
      postRaw<BatchResult>(JSON.stringify({ workspace_id: workspaceId, ...batch }), headers),
    postRaw,
    resolve: (conflictId, decision, headers) =>
      send(`/api/v1/workspaces/${workspaceId}/conflicts/${conflictId}/resolve`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization, ...headers },
        body: JSON.stringify(decision),
      }),
    replay: (clientId, deviceId, headers) =>
      send(
        `/api/v1/workspaces/${workspaceId}/operations/${encodeURIComponent(clientId)}/replay?device_id=${encodeURIComponent(deviceId)}`,
        { method: "POST", headers: { authorization, ...headers } },
      ),
    get: (path, headers) => getAbsolute(`/api/v1/workspaces/${workspaceId}${path}`, headers),
    getAbsolute,
  };
}

/** Polls until a condition holds; fails with the last reason if it does not. */
export async function eventually<T>(look: () => Promise<T>, timeoutMs = PATIENCE_MS): Promise<T> {
  const giveUpAtMs = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > giveUpAtMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
