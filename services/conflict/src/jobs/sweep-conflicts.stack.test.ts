import { connectRedis, createShards } from "@syncline/lanes";
import { createConflictQueue, type ConflictQueue } from "@syncline/lanes/queues";
import { createQuery, openPool } from "@syncline/store";
import { ROUND_BACKOFF } from "@syncline/shared/protocol";
import { createTestDatabase, createTestRedisUrl, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createPgConflicts } from "../io/pg-conflicts.ts";
import { createSweepConflicts } from "./sweep-conflicts.ts";

/** More than a page, and no multiple of a page. */
const MANY = 1_201;

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
let redis: ReturnType<typeof connectRedis>;
let queue: ConflictQueue;
const fail = (error: Error) => {
  throw error;
};
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({
    databaseUrl: database.databaseUrl,
    connectionsMax: 1,
    applicationName: "test",
    onError: fail,
  });
  redis = connectRedis(await createTestRedisUrl(), fail);
  queue = createConflictQueue(createShards([redis]), ROUND_BACKOFF, fail);
  await insertOpen("blocked", MANY, "1 hour");
  await insertOpen("healthy", 1, "1 minute");
  await insertOpen("young", 1, "-1 hour");
});
afterAll(async () => {
  await queue.close();
  await redis.quit();
  await pool.end();
  await database.drop();
});
beforeEach(() => redis.flushdb());

/** Inserts open conflicts in one transaction, whose first round was requested `age` ago. */
async function insertOpen(workspaceId: string, count: number, age: string): Promise<void> {
  await pool.query(
    `INSERT INTO conflicts (workspace_id, conflict_id, collection, document_id, device_id, device_declared, status, strategy,
       round, current_version, operation_count, operation_bytes, revision, trace, opened_at, updated_at, round_at)
     SELECT $1, gen_random_uuid(), 'notes', 'doc' || n, 'd', true, 'open', 'merge', 1, 1, 0, 0, 1, '{}', now(), now(),
       now() - $3::interval
     FROM generate_series(1, $2) n`,
    [workspaceId, count, age],
  );
}

/** Counts the requested rounds by workspace. */
async function workspacesAskedFor(): Promise<Record<string, number>> {
  const pipeline = redis.pipeline();
  for (const key of await redis.keys("*:queue:conflict:*-1")) pipeline.hget(key, "data");
  const jobs = ((await pipeline.exec()) ?? []).map(([, data]) => JSON.parse(String(data)));
  const byWorkspace = Map.groupBy(jobs, ({ workspaceId }: { workspaceId: string }) => workspaceId);
  return Object.fromEntries([...byWorkspace].map(([workspaceId, { length }]) => [workspaceId, length]));
}

const sweepWhile = (isRunning: () => boolean) =>
  createSweepConflicts(
    { conflicts: createPgConflicts(createQuery(pool)), queue, isRunning },
    { stalledMs: 10_000, backoff: ROUND_BACKOFF },
  )();

it("finds all stalled conflicts, even if many of them stay stalled", async () => {
  await sweepWhile(() => true);
  expect(await workspacesAskedFor()).toEqual({ blocked: MANY, healthy: 1 });
});

it("stops when the process stops, after a page", async () => {
  let pages = 0;
  await sweepWhile(() => pages++ < 1);
  expect(await workspacesAskedFor()).toEqual({ blocked: 500 });
});
