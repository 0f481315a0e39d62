import { execFile } from "node:child_process";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { laneOf, type StoredEntry } from "@syncline/shared/protocol";
import { holdWorkspace } from "../../support/hold-workspace.ts";
import { LANE_COUNT } from "../../support/system.ts";
import type { History } from "../load/history.ts";
import {
  DidNotBite,
  failedRequests,
  inFlight,
  prove,
  until,
  type FaultContext,
  type FaultKind,
} from "./fault-kind.ts";

const AWAY_MS = 1_500;
const FULL_MS = 4_000;
const HOLD_MS = 5_000;
const HOLD_TURNS = 8;

/** A Redis that stops, loses its data, or rejects writes. */
export const REDIS_FAULTS: readonly FaultKind[] = [
  { name: "Redis killed, its file kept", strike: killKeepingData },
  { name: "Redis loses its data", strike: loseData },
  { name: "Redis out of memory", strike: fillMemory },
  { name: "Redis' disk full", strike: fillDisk },
];

async function killKeepingData(context: FaultContext): Promise<string> {
  const { redis } = context.system.stores;
  const operations = await inFlight(context);
  const oldPid = redis.pid;
  await redis.kill();
  await delay(AWAY_MS);
  await redis.start();
  await until("requests failed", () => failedRequests(context) > 0);
  prove("the process was replaced", redis.pid !== oldPid);
  return `${oldPid} killed, now ${redis.pid}; ${operations} operations in flight, ${failedRequests(context)} requests failed`;
}

/**
 * Loses batches answered 202 but not drained yet; their fate is in doubt. A workspace's drains are held up to have
 * some.
 */
async function loseData(context: FaultContext): Promise<string> {
  const { system, history, beganAtMs } = context;
  const { redis, home } = system.stores;
  const { lane, entries, release } = await holdBatchThatIs202(context);
  try {
    await redis.kill();
    history.dataLossesAtMs.push(Date.now());
  } finally {
    await release();
  }
  rmSync(join(home, "redis", "appendonlydir"), { recursive: true });
  await redis.start();
  prove("Redis is empty", (await theRedis(context).xlen("{syncline}:lane:none")) === 0);
  const forgotten = () =>
    history.batches.filter(({ attempts }) =>
      attempts.some(
        ({ what, status, endedAtMs }) => what === "status" && status === 404 && endedAtMs > beganAtMs,
      ),
    ).length;
  await until("a batch answered 202 is now 404", () => forgotten() > 0, 60_000);
  return `${entries.length} entries on lane ${lane} were gone; ${forgotten()} batches answered 202 are now 404, and were sent again`;
}

/**
 * If all devices of a workspace wait for the window being drained, none of them sends more; then another workspace is
 * tried.
 */
async function holdBatchThatIs202(context: FaultContext, turns = HOLD_TURNS): Promise<Held> {
  const { system, history, random, workspaces } = context;
  const { workspaceId } = random.pick(workspaces);
  const lane = laneOf(workspaceId, LANE_COUNT);
  const release = await holdWorkspace(system, workspaceId);
  let entries: StoredEntry[] = [];
  const isBehind = async () => {
    const heldAtMs = await drainHeldAtMs(system);
    ({ entries } = await system.lanes.readWindow({ lane }, 100_000));
    return entries.some((stored) => parseInt(stored.id, 10) > heldAtMs && wasAnswered202(stored, history));
  };
  try {
    await until("a batch answered 202 is behind the window being drained", isBehind, HOLD_MS);
    return { lane, entries, release };
  } catch (error) {
    await release();
    if (!(error instanceof DidNotBite) || turns === 1) throw error;
    return holdBatchThatIs202(context, turns - 1);
  }
}

interface Held {
  lane: number;
  entries: readonly StoredEntry[];
  release: () => Promise<void>;
}

/**
 * The time when the drain that waits for a held workspace began its commit: later entries of the lane are not in its
 * window.
 */
async function drainHeldAtMs({ pool }: FaultContext["system"]): Promise<number> {
  const { rows } = await pool.query<{ atMs: number }>(
    `SELECT extract(epoch FROM max(xact_start))::float8 * 1000 AS "atMs" FROM pg_stat_activity
     WHERE application_name = 'syncline-worker' AND wait_event_type = 'Lock' HAVING count(*) > 0`,
  );
  return rows[0]?.atMs ?? Infinity;
}

function wasAnswered202({ entry }: StoredEntry, history: History): boolean {
  if (entry.kind !== "batch") return false;
  const clientIds = new Set(entry.batch.operations.map(({ clientId }) => clientId));
  return history.batches.some(
    (sent) =>
      sent.attempts.some(({ what, status }) => what === "send" && status === 202) &&
      sent.clientIds.some((clientId) => clientIds.has(clientId)),
  );
}

async function fillMemory(context: FaultContext): Promise<string> {
  const redis = theRedis(context);
  const refusedBefore = await refusals();
  await redis.config("SET", "maxmemory", "1mb");
  try {
    await until("clients were refused", () => failedRequests(context) > 0);
    await delay(FULL_MS);
  } finally {
    await redis.config("SET", "maxmemory", "0");
  }
  const refused = (await refusals()) - refusedBefore;
  prove("Redis answered OOM", refused > 0);
  return `Redis answered OOM ${refused} times; ${failedRequests(context)} requests failed`;

  async function refusals(): Promise<number> {
    const stats = await redis.info("errorstats");
    return Number(/errorstat_OOM:count=(\d+)/.exec(stats)?.[1] ?? 0);
  }
}

/**
 * Stops the append-only file from growing, in the middle of a write. A Redis that syncs every write then exits, as it
 * does on a full disk, so MISCONF never occurs.
 */
async function fillDisk(context: FaultContext): Promise<string> {
  const { redis, home } = context.system.stores;
  const { pid, ended } = redis;
  if (pid === undefined) throw new Error("Redis does not run");
  const folder = join(home, "redis", "appendonlydir");
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
  await promisify(execFile)("prlimit", ["--pid", String(pid), `--fsize=${Math.max(...sizes) + 100}`]);
  const how = await Promise.race([ended, delay(20_000, undefined)]);
  if (how === undefined) throw new DidNotBite("Redis did not exit with its disk full");
  await delay(AWAY_MS);
  await redis.start();
  await until("requests failed", () => failedRequests(context) > 0);
  return `${pid} ended by itself (${how}) in mid-write, now ${redis.pid}; ${failedRequests(context)} requests failed`;
}

function theRedis({ system }: FaultContext) {
  const [redis] = system.shards.connections;
  if (redis === undefined) throw new Error("No connection to Redis");
  return redis;
}
