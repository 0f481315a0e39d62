import { randomUUID } from "node:crypto";
import { activeSpan, contextOf, createLogger } from "@syncline/kit/telemetry";
import { connectRedis, createLaneStreams, createReplyPublisher, createShards } from "@syncline/lanes";
import { createConflictQueue, createLaneWaker } from "@syncline/lanes/queues";
import { openPool } from "@syncline/store";
import { encodeBatch, ROUND_BACKOFF } from "@syncline/shared/protocol";
import { createTestDatabase, createTestRedisUrl, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createDrainMetrics } from "../io/drain-metrics.ts";
import { createPgStore } from "../io/pg-store.ts";
import { batchEntry } from "../testing/memory-tables.ts";
import type { CommitTurn, LaneTurn } from "./commit-queue.ts";
import { createGroupCommit } from "./group-commit.ts";

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
let redis: ReturnType<typeof connectRedis>;
let lanes: ReturnType<typeof createLaneStreams>;
let conflicts: ReturnType<typeof createConflictQueue>;
let waker: ReturnType<typeof createLaneWaker>;
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
  conflicts = createConflictQueue(createShards([redis]), ROUND_BACKOFF, fail);
});
afterAll(async () => {
  await conflicts.close();
  await waker.close();
  await redis.quit();
  await pool.end();
  await database.drop();
});

/** The lanes of each commit, by their workspaces, in the order in which the commits began. */
let commits: string[][];
/** Holds commits until it is resolved. */
let gate: PromiseWithResolvers<void>;
/** For each notification, the lanes that held entries at that time. */
let lanesWhenTold: number[][];
/** The workspace to which another drain commits meanwhile. */
let contested: string;
let groupCommit: CommitTurn;
beforeEach(() => {
  commits = [];
  lanesWhenTold = [];
  contested = "";
  gate = Promise.withResolvers<void>();
  const store = createPgStore(pool, "epoch-1");
  groupCommit = createGroupCommit(
    {
      lanes,
      waker,
      store: {
        ...store,
        async commit(plan) {
          commits.push(plan.workspaces.map(({ workspaceId }) => workspaceId));
          await gate.promise;
          if (plan.workspaces.some(({ workspaceId }) => workspaceId === contested)) await moveOn(contested);
          await store.commit(plan);
        },
      },
      replies: {
        async publish(...told) {
          lanesWhenTold.push(await lanes.lanesWithEntries([...Array(8).keys()]));
          await createReplyPublisher(createShards([redis])).publish(...told);
        },
      },
      conflicts,
      newId: randomUUID,
      policies: undefined,
      metrics: createDrainMetrics(),
      log: createLogger({ service: "test", level: "fatal" }),
    },
    { windowOperationsMax: 4, ledgerRetentionMs: undefined },
  );
});

async function moveOn(workspaceId: string): Promise<void> {
  const sql =
    "INSERT INTO workspaces AS w (workspace_id, seq, revision) VALUES ($1, 0, 1) ON CONFLICT (workspace_id) DO UPDATE SET revision = w.revision + 1";
  await pool.query(sql, [workspaceId]);
}

/** Appends a batch with a number of operations to a lane. */
async function append(lane: number, operations: number): Promise<void> {
  const given = Array.from({ length: operations }, (_, n) => ({
    kind: "put" as const,
    documentId: `doc ${n}`,
    clientId: randomUUID(),
    data: {},
  }));
  const entry = batchEntry({ id: randomUUID(), workspace: `lane ${lane}`, operations: given });
  if (entry.kind !== "batch") throw new Error("not a batch");
  await lanes.appendBatch(lane, encodeBatch(entry.batch), {});
}

/** Appends a batch with a number of operations to a lane, and returns the turn of its drain. */
async function turnOf(lane: number, operations: number, alone = false): Promise<LaneTurn> {
  await append(lane, operations);
  return {
    lane,
    alone,
    async read() {
      const { entries, bytes } = await lanes.readWindow({ lane }, 100);
      return entries.length === 0
        ? undefined
        : { entries, bytes, context: contextOf(activeSpan()), onCommitted: () => {} };
    },
  };
}

/** If a commit takes long, the next begins beside it, and may reach Postgres first. */
const sorted = (lanesByCommit: string[][]) =>
  lanesByCommit.toSorted((one, other) => one.join().localeCompare(other.join()));

/** Starts two commits that are held, the maximum, so that further ones wait. */
async function occupy(): Promise<Promise<number>[]> {
  const done = [];
  for (const [index, lane] of [6, 7].entries()) {
    done.push(groupCommit(await turnOf(lane, 1)));
    await expect.poll(() => commits[index]).toEqual([`lane ${lane}`]);
  }
  return done;
}

it("takes lanes that arrive during a commit together, up to the limit", async () => {
  const turns = await Promise.all([0, 1, 2, 3, 4, 5].map((lane) => turnOf(lane, lane === 4 ? 3 : 1)));
  const done = [...(await occupy()), ...turns.map(groupCommit)];
  gate.resolve();
  expect(await Promise.all(done)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(sorted(commits.slice(2))).toEqual([
    ["lane 0", "lane 1", "lane 2", "lane 3"],
    ["lane 4", "lane 5"],
  ]);
  expect(await lanes.lanesWithEntries([...Array(8).keys()])).toEqual([]);
});

it("reads a lane when its turn has come, with the entries that arrived while it waited", async () => {
  const turn = await turnOf(2, 1);
  const done = [...(await occupy()), groupCommit(turn)];
  await append(2, 2);
  gate.resolve();
  expect(await Promise.all(done)).toEqual([0, 0, 0]);
  expect(commits).toHaveLength(3);
});

it("ends if no entry is left to read", async () => {
  const turn = await turnOf(0, 1);
  gate.resolve();
  await groupCommit(turn);
  expect(await groupCommit(turn)).toBe(0);
  expect(commits).toHaveLength(1);
});

it("fails an unreadable lane only", async () => {
  const read = () => Promise.reject(new Error("away"));
  const turns = [await turnOf(0, 1), await turnOf(1, 1), { lane: 2, alone: false, read }];
  const done = turns.map(groupCommit);
  gate.resolve();
  const outcomes = (await Promise.allSettled(done)).map(({ status }) => status);
  expect(outcomes).toEqual(["fulfilled", "fulfilled", "rejected"]);
});

it("notifies of a window once it is off its lane, and not before", async () => {
  gate.resolve();
  await groupCommit(await turnOf(0, 2));
  expect(lanesWhenTold).toEqual([[]]);
});

it("commits a lane that has failed before on its own", async () => {
  const turns = await Promise.all([0, 1, 3, 4].map((lane) => turnOf(lane, 1, lane === 3)));
  const done = [...(await occupy()), ...turns.map(groupCommit)];
  gate.resolve();
  await Promise.all(done);
  expect(sorted(commits.slice(2))).toEqual([["lane 0", "lane 1"], ["lane 3"], ["lane 4"]]);
});

it("fails all windows that were taken together, and leaves their entries in place", async () => {
  const turns = await Promise.all([2, 3].map((lane) => turnOf(lane, 1)));
  const done = [...(await occupy()), ...turns.map(groupCommit)];
  contested = "lane 3";
  gate.resolve();
  const outcomes = (await Promise.allSettled(done)).map(({ status }) => status);
  expect(outcomes).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
  expect(await lanes.lanesWithEntries([...Array(8).keys()])).toEqual([2, 3]);
});
