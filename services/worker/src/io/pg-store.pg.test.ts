import { randomUUID } from "node:crypto";
import { openPool } from "@syncline/runtime";
import { SynclineError, type StoredEntry } from "@syncline/shared";
import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planWindow } from "../core/plan-window.ts";
import { batchEntry, type GivenOperation } from "../testing/memory-tables.ts";
import { createPgStore, type WindowStore } from "./pg-store.ts";

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
let store: WindowStore;
beforeAll(async () => {
  database = await createTestDatabase();
  const { databaseUrl } = database;
  pool = openPool({
    databaseUrl,
    connectionsMax: 4,
    applicationName: "test",
    onError: (error) => {
      throw error;
    },
  });
  store = createPgStore(pool, "epoch-1");
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const entryOf = (workspace: string, ...operations: GivenOperation[]): StoredEntry => ({
  id: "1-0",
  answeredId: "0-0",
  entry: batchEntry({ id: randomUUID(), workspace, operations }),
});
const planOf = async (...entries: StoredEntry[]) =>
  planWindow(entries, await store.read(entries), { newId: () => randomUUID() });
const count = async (table: string, workspace: string) =>
  (await pool.query(`SELECT 1 FROM ${table} WHERE workspace_id = $1`, [workspace])).rowCount;

describe("a window's commit", () => {
  it("can be read back as it was planned", async () => {
    const entry = entryOf("back", { kind: "create", data: { a: 1 } }, { kind: "update", data: { b: "ü" } });
    await store.commit(await planOf(entry));
    const state = await store.read([entry]);
    expect([...state.documentByKey.values()]).toEqual([
      expect.objectContaining({ version: 2, deleted: false, data: { a: 1, b: "ü" }, runBaseVersion: 0 }),
    ]);
    expect([...state.ledgerRowByKey.values()].map(({ status, version }) => [status, version])).toEqual([
      ["success", 1],
      ["success", 2],
    ]);
    expect(state.workspaceById.get("back")).toMatchObject({ seq: 1, revision: 1 });
    expect(state.resultsByBatchId.size).toBe(1);
  });

  it("fails whole when another drain has been there since it was read", async () => {
    const first = await planOf(entryOf("race", { kind: "create", data: { by: "first" } }));
    const second = await planOf(entryOf("race", { kind: "create", data: { by: "second" } }));
    await store.commit(first);
    const failure = store.commit(second);
    await expect(failure).rejects.toBeInstanceOf(SynclineError);
    await expect(failure).rejects.toMatchObject({ code: "SYN_WORKSPACE_MOVED" });
    expect(await count("operations", "race")).toBe(1);
    expect(await count("batches", "race")).toBe(1);
  });

  it("fails whole when one of its workspaces has moved, and the other has not", async () => {
    const both = await planOf(
      entryOf("moved", { kind: "create", data: {} }),
      entryOf("unmoved", { kind: "create", data: {} }),
    );
    await store.commit(await planOf(entryOf("moved", { kind: "create", data: {} })));
    await expect(store.commit(both)).rejects.toMatchObject({ code: "SYN_WORKSPACE_MOVED" });
    expect(await count("workspaces", "unmoved")).toBe(0);
    expect(await count("documents", "unmoved")).toBe(0);
  });

  it("gives every change of concurrent commits a seq of its own, without a gap", async () => {
    const commitOnce = async (): Promise<void> => {
      const entry = entryOf("busy", { kind: "put", documentId: randomUUID(), data: {} });
      for (;;) {
        try {
          await store.commit(await planOf(entry));
          return;
        } catch (error) {
          if (!(error instanceof SynclineError) || error.disposition !== "retry") throw error;
        }
      }
    };
    // All of them have ended, whatever became of one: they would go on without a pool for ever.
    const commits = await Promise.allSettled(Array.from({ length: 12 }, commitOnce));
    expect(commits.filter(({ status }) => status === "rejected")).toEqual([]);
    const { rows } = await pool.query("SELECT seq FROM changes WHERE workspace_id = 'busy' ORDER BY seq");
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  it("keeps a conflict's run in order, reads it once, and moves what a merge left to the next conflict", async () => {
    const edit = (n: number): GivenOperation => ({
      kind: "update",
      data: { n },
      clientId: `edit_${n}`,
      expectedVersion: 1,
    });
    const by = (device: string, ...operations: GivenOperation[]): StoredEntry => ({
      id: "1-0",
      answeredId: "0-0",
      entry: batchEntry({ id: randomUUID(), workspace: "runs", device, operations }),
    });
    await store.commit(await planOf(by("d1", { kind: "create", data: {} })));
    await store.commit(await planOf(by("d2", { kind: "update", data: { by: "d2" } })));
    await store.commit(await planOf(by("d3", edit(1), edit(2))));
    const [round] = (await planOf(by("d3", edit(3)))).conflicts;
    await store.commit(await planOf(by("d3", edit(3))));
    if (round === undefined) throw new Error("there is no conflict");
    const resolution = (covered: number, number: number): StoredEntry => ({
      id: "2-0",
      answeredId: "0-0",
      entry: {
        kind: "resolution",
        trace: {},
        resolution: {
          workspaceId: "runs",
          collection: "documents",
          documentId: "doc-1",
          conflictId: round.conflictId,
          round: number,
          expectedVersion: 2,
          operationsCovered: covered,
          outcome: { kind: "commit", document: { n: 2, by: "d2" }, overlaps: [], twoWay: false, refused: [] },
          inputs: { ancestor: {}, local: { n: 2 }, localTimestampMs: null },
          isLastRound: false,
        },
      },
    });
    const runs = async () => {
      const { rows } = await pool.query<{ place: number; client_id: string; status: string }>(
        `SELECT h.place, h.client_id, c.status FROM held_operations h JOIN conflicts c USING (workspace_id, conflict_id)
         WHERE workspace_id = 'runs' ORDER BY c.status DESC, place`,
      );
      return rows.map(({ place, client_id, status }) => [status, place, client_id]);
    };
    expect(await runs()).toEqual([1, 2, 3].map((n) => ["open", n - 1, `edit_${n}`]));
    const window = [resolution(2, 1), resolution(2, 2)];
    expect((await store.read(window)).runByConflictId.get(round.conflictId)).toHaveLength(3);
    await store.commit(await planOf(...window));
    expect(await runs()).toEqual([
      ["resolved", 0, "edit_1"],
      ["resolved", 1, "edit_2"],
      ["open", 0, "edit_3"],
    ]);
  });

  it("takes no version of a document back", async () => {
    const entry = entryOf("back again", { kind: "put", data: { n: 1 } });
    await store.commit(await planOf(entry));
    const plan = await planOf(entryOf("back again", { kind: "put", data: { n: 2 } }));
    const stale = { ...plan, changes: plan.changes.map((change) => ({ ...change, version: 1 })) };
    await expect(store.commit(stale)).rejects.toMatchObject({ code: "SYN_INVARIANT" });
    expect(await count("changes", "back again")).toBe(1);
  });

  it("is taken back when it is only rehearsed", async () => {
    await store.rehearse(await planOf(entryOf("rehearsed", { kind: "create", data: {} })));
    expect(await count("documents", "rehearsed")).toBe(0);
    expect(await count("workspaces", "rehearsed")).toBe(0);
  });

  it("says that an operation is at fault when Postgres cannot store it", async () => {
    const plan = await planOf(entryOf("refused", { kind: "create", data: { text: "\u0000" } }));
    await expect(store.commit(plan)).rejects.toMatchObject({ code: "SYN_OPERATION_REFUSED" });
  });
});
