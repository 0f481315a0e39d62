import { createLogger } from "@syncline/kit/telemetry";
import { connectRedis, createLaneStreams, createShards, keysOf, type LaneStreams } from "@syncline/lanes";
import { createLaneWaker, type LaneWaker } from "@syncline/lanes/queues";
import { createQuery, openPool } from "@syncline/store";
import type { ResolveCase } from "@syncline/shared/merge";
import { laneOf } from "@syncline/shared/protocol";
import { createTestDatabase, createTestRedisUrl, type TestDatabase } from "@syncline/stack";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { runTask } from "../core/run-task.ts";
import { createPgConflicts } from "../io/pg-conflicts.ts";
import { createRunRound } from "./run-round.ts";

const LANE_COUNT = 4;
const LANE = laneOf("w", LANE_COUNT);
const keys = keysOf("{syncline}");

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
let redis: ReturnType<typeof connectRedis>;
let lanes: LaneStreams;
let waker: LaneWaker;
const fail = (error: Error) => {
  throw error;
};
beforeAll(async () => {
  database = await createTestDatabase();
  const { databaseUrl } = database;
  pool = openPool({ databaseUrl, connectionsMax: 2, applicationName: "test", onError: fail });
  redis = connectRedis(await createTestRedisUrl(), fail);
  lanes = createLaneStreams(createShards([redis]));
  waker = createLaneWaker(createShards([redis]), fail);
});
afterAll(async () => {
  await waker.close();
  await redis.quit();
  await pool.end();
  await database.drop();
});

const asked: ResolveCase[] = [];
beforeEach(async () => {
  asked.length = 0;
  await redis.flushdb();
});

/** Inserts an open conflict whose collection's hook must be asked. */
async function insertOpen(): Promise<string> {
  const conflictId = randomUUID();
  await pool.query(
    `INSERT INTO conflicts (workspace_id, conflict_id, collection, document_id, device_id, device_declared, status, strategy,
       hook, round, current_version, operation_count, operation_bytes, revision, trace, opened_at, updated_at, round_at)
     VALUES ('w', $1, 'notes', $2, 'd', true, 'open', 'merge', 'due', 1, 1, 0, 0, 1, '{}', now(), now(), now())`,
    [conflictId, conflictId],
  );
  return conflictId;
}

const runRound = (conflictId: string, round = 1) =>
  createRunRound(
    {
      conflicts: createPgConflicts(createQuery(pool)),
      lanes,
      waker,
      policies: { default: { resolve: () => undefined } },
      merger: { run: async (task) => runTask(task) as never },
      async askHook(on) {
        asked.push(on);
        return { kind: "answered", answer: undefined };
      },
      log: createLogger({ service: "test", level: "fatal" }),
    },
    { laneCount: LANE_COUNT, roundsMax: 5 },
  )({ workspaceId: "w", conflictId, round, trace: {} });

const roundsOnLane = async () =>
  (await lanes.readWindow({ lane: LANE }, 100)).entries.map(
    ({ entry }) => entry.kind === "resolution" && entry.resolution.round,
  );
const wakeUps = () => redis.llen(`${keys.queuePrefix}:drain:wait`);

it("wakes the lane and does not merge again if the round's resolution waits on the lane", async () => {
  const conflictId = await insertOpen();
  await runRound(conflictId);
  expect([asked.length, await roundsOnLane(), await wakeUps()]).toEqual([1, [1], 1]);
  // The wake-up is lost.
  await redis.del(...(await redis.keys(`${keys.queuePrefix}:drain:*`)));
  await runRound(conflictId);
  expect([asked.length, await roundsOnLane(), await wakeUps()]).toEqual([1, [1], 1]);
});

it("merges the next round while the previous round's resolution is still on the lane", async () => {
  const conflictId = await insertOpen();
  await runRound(conflictId);
  await pool.query("UPDATE conflicts SET round = 2 WHERE conflict_id = $1", [conflictId]);
  await runRound(conflictId, 2);
  expect([asked.length, await roundsOnLane()]).toEqual([2, [1, 2]]);
});
