import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connectRedis, keysOf } from "@syncline/lanes";
import { migrate, openPool } from "@syncline/store";
import { startSyncline, type RunningSyncline } from "@syncline/stack";
import { startStores } from "../database/stores.ts";
import { moveTo, type Cores } from "./cores.ts";
import type { LoadPlan, Sender, SenderReport } from "./load.ts";

export const LANE_COUNT = 16;
const keys = keysOf("{syncline}");

/** A claim and its result. */
export interface Verdict {
  what: string;
  holds: boolean;
}

/** A Syncline with a worker and an ingest, in their default configuration, and its stores: on cores of their own. */
export interface BenchSystem {
  /** Lets the load process send, and waits until every request is answered. */
  load(seconds: number, senders: readonly Omit<Sender, "authorization">[]): Promise<SenderReport[]>;
  /** Waits until no operation is pending, and returns the number of operations committed since the start. */
  committed(): Promise<number>;
  /** The backlog of all lanes. */
  waiting(): Promise<{ operations: number; bytes: number }>;
  memory(): Promise<{ ingestMiB: number; workerMiB: number; redisMiB: number }>;
  /** The latency of `/healthz`, `NaN` unless the answer is 200. */
  healthMs(): Promise<number>;
  stop(): Promise<void>;
}

export async function startBenchSystem(cores: Cores): Promise<BenchSystem> {
  moveTo(cores.system);
  const stores = await startStores();
  const databaseUrl = await stores.createEmptyDatabase();
  await migrate({ databaseUrl });
  const onError = (error: Error) => console.error(error.message);
  const pool = openPool({
    databaseUrl,
    connectionsMax: 1,
    applicationName: "bench",
    onError,
  });
  const redis = connectRedis(stores.redisUrl, onError);
  const syncline = await startSyncline({
    databaseUrl,
    redisUrl: stores.redisUrl,
    home: stores.home,
    env: { LANES: String(LANE_COUNT), LOG_LEVEL: "warn" },
  });
  moveTo(cores.load);

  async function waiting() {
    const lanes = await Promise.all(
      Array.from({ length: LANE_COUNT }, (_, lane) =>
        redis.hmget(keys.laneWaiting(lane), "operations", "bytes"),
      ),
    );
    const sum = (at: number) => lanes.reduce((total, fields) => total + Number(fields[at] ?? 0), 0);
    return { operations: sum(0), bytes: sum(1) };
  }

  return {
    async load(seconds, senders) {
      // Cleans up between loads: the first vacuum of a table takes long, and after a checkpoint pages are written
      // whole.
      await pool.query("VACUUM (ANALYZE)");
      await pool.query("CHECKPOINT");
      const plan: LoadPlan = {
        url: syncline.ingestUrl,
        seconds,
        senders: await Promise.all(senders.map((sender) => withToken(syncline, sender))),
      };
      const child = fork(new URL("./load.ts", import.meta.url), {
        execArgv: ["--conditions=@syncline/source", "--disable-warning=ExperimentalWarning"],
      });
      const ended = once(child, "exit");
      child.send(plan);
      const [reports] = (await Promise.race([
        once(child, "message"),
        ended.then(() => Promise.reject(new Error("the load process ended"))),
      ])) as [SenderReport[]];
      await ended;
      return reports;
    },
    async committed() {
      const giveUpAtMs = Date.now() + 60_000;
      while ((await waiting()).operations > 0) {
        if (Date.now() > giveUpAtMs) throw new Error("operations are still waiting after a minute");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { rows } = await pool.query<{ count: string }>(
        "SELECT count(*) AS count FROM operations WHERE status = 'success'",
      );
      return Number(rows[0]?.count);
    },
    waiting,
    async memory() {
      const info = await redis.info("memory");
      return {
        ingestMiB: residentMiB(syncline.ingest.pid),
        workerMiB: residentMiB(syncline.workers[0]?.pid),
        redisMiB: Number(/used_memory:(\d+)/.exec(info)?.[1]) / 1024 / 1024,
      };
    },
    async healthMs() {
      const beganAtMs = performance.now();
      try {
        const answer = await fetch(`${syncline.ingestUrl}/healthz`, { signal: AbortSignal.timeout(5_000) });
        await answer.body?.cancel();
        return answer.ok ? performance.now() - beganAtMs : Number.NaN;
      } catch {
        return Number.NaN;
      }
    },
    async stop() {
      await syncline.stop();
      redis.disconnect();
      await pool.end();
      await stores.stop();
    },
  };
}

async function withToken(syncline: RunningSyncline, sender: Omit<Sender, "authorization">): Promise<Sender> {
  const token = await syncline.token({ [sender.workspaceId]: "writer" }, { subject: sender.workspaceId });
  return { ...sender, authorization: `Bearer ${token}` };
}

function residentMiB(pid: number | undefined): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}
