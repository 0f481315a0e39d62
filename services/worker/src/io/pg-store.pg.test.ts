import { randomUUID } from "node:crypto";
import { openPool } from "@syncline/store";
import type { JsonObject } from "@syncline/shared/document";
import type { Overlap } from "@syncline/shared/merge";
import { SynclineError, type Decision, type Resolution, type StoredEntry } from "@syncline/shared/protocol";
import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { planWindow } from "../core/plan-window.ts";
import { batchEntry, type GivenBatch, type GivenOperation } from "../testing/memory-tables.ts";
import { createPgStore } from "./pg-store.ts";
import type { WindowStore } from "./window-store.ts";

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
    const [document] = [...state.documentByKey.values()];
    expect(document).toMatchObject({ version: 2, deleted: false, runBaseVersion: 0 });
    expect(document?.data?.value).toEqual({ a: 1, b: "ü" });
    expect([...state.ledgerRowByKey.values()].map(({ status, version }) => [status, version])).toEqual([
      ["success", 1],
      ["success", 2],
    ]);
    expect(state.workspaceById.get("back")).toMatchObject({ seq: 1, revision: 1 });
    expect(state.resultsByBatchId.size).toBe(1);
  });

  it("writes a large document as the text that it was read as, but for what an operation changes", async () => {
    const rest = {
      'é\n"': [1e21, -0.5, 1e-7, "漢🙂\u0001", null],
      list: Array.from({ length: 2_000 }, () => ({})),
    };
    const data = { ...rest, a: { b: 1, c: 2 }, gone: {} };
    await store.commit(await planOf(entryOf("large", { kind: "put", data })));
    const entry = entryOf("large", { kind: "update", data: { a: { b: "é" }, gone: null, new: [1] } });
    await store.commit(await planOf(entry));
    const patch = [{ op: "replace", path: "/a/c", value: 3 } as const];
    await store.commit(await planOf(entryOf("large", { kind: "update", patch }, { kind: "delete" })));
    const { rows } = await pool.query(
      "SELECT version, data, ended FROM changes WHERE workspace_id = 'large' ORDER BY seq",
    );
    const updated = { ...rest, a: { b: "é", c: 2 }, new: [1] };
    expect(rows).toEqual([
      { version: 1, data, ended: null },
      { version: 2, data: updated, ended: null },
      { version: 4, data: null, ended: { ...updated, a: { b: "é", c: 3 } } },
    ]);
  });

  it("is not read if its current or earlier documents exceed the limit", async () => {
    const entry = entryOf("much", { kind: "put", data: { a: 1 } }, { kind: "put", data: { a: 2 } });
    await store.commit(await planOf(entry));
    const place = { workspaceId: "much", collection: "documents", documentId: "doc-1", deviceId: null };
    const places = [{ ...place, version: 2 }];
    const bytes = '{"a": 2}'.length;
    expect((await store.read([entry], bytes)).documentByKey.size).toBe(1);
    expect([...(await store.readHistory(places, bytes)).values()]).toEqual([
      { data: { a: 2 }, deleted: false },
    ]);
    const tooLarge = { code: "SYN_WINDOW_TOO_LARGE" };
    await expect(store.read([entry], bytes - 1)).rejects.toMatchObject(tooLarge);
    await expect(store.readHistory(places, bytes - 1)).rejects.toMatchObject(tooLarge);
  });

  it("knows a device's last change also where history has lost the versions that it names", async () => {
    const place = { workspaceId: "lost", collection: "documents", documentId: "doc-1", deviceId: "d1" };
    await pool.query(
      `INSERT INTO changes (workspace_id, seq, collection, document_id, first_version, version, deleted, data, device_id,
         committed_at, revision)
       VALUES ('lost', 7, 'documents', 'doc-1', 7, 7, false, '{}', 'd1', now(), 1)`,
    );
    expect([...(await store.readHistory([{ ...place, from: 2, to: 5 }])).values()]).toEqual([
      { changes: [], lastOwnVersion: 7 },
    ]);
  });

  it("fails as a whole if another drain has committed since it was read", async () => {
    const first = await planOf(entryOf("race", { kind: "create", data: { by: "first" } }));
    const second = await planOf(entryOf("race", { kind: "create", data: { by: "second" } }));
    await store.commit(first);
    const failure = store.commit(second);
    await expect(failure).rejects.toBeInstanceOf(SynclineError);
    await expect(failure).rejects.toMatchObject({ code: "SYN_WORKSPACE_MOVED" });
    expect(await count("operations", "race")).toBe(1);
    expect(await count("batches", "race")).toBe(1);
  });

  it("fails as a whole if one of its workspaces has moved, and the other has not", async () => {
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
    // All of them have ended, whatever the outcome of one: otherwise they would continue without a pool.
    const commits = await Promise.allSettled(Array.from({ length: 12 }, commitOnce));
    expect(commits.filter(({ status }) => status === "rejected")).toEqual([]);
    const { rows } = await pool.query("SELECT seq FROM changes WHERE workspace_id = 'busy' ORDER BY seq");
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
  });

  it("keeps a conflict's run in order, reads it once, and moves the operations that a merge left to the next conflict", async () => {
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
          rises: { seenVersion: null, rose: null, refused: [], ended: null, overlaps: [], twoWay: false },
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

  it("reads only the requested documents of a conflict's record, and leaves them as they are", async () => {
    const by = (device: string, data: JsonObject, expectedVersion?: number): StoredEntry => {
      const operation = { kind: "put" as const, data, ...(expectedVersion && { expectedVersion }) };
      const entry = batchEntry({ id: randomUUID(), workspace: "views", device, operations: [operation] });
      return { id: "1-0", answeredId: "0-0", entry };
    };
    await store.commit(await planOf(by("d1", { of: "d1" })));
    await store.commit(await planOf(by("d2", { of: "d2" })));
    const opening = await planOf(by("d3", { of: "d3" }, 1));
    await store.commit(opening);
    const { workspaceId = "", conflictId = "" } = opening.conflicts[0] ?? {};
    const overlap: Overlap = { path: "/of", ancestor: "d1", remote: "d2", local: "d3", chosen: "remote" };
    const resolution: Resolution = {
      workspaceId,
      collection: "documents",
      documentId: "doc-1",
      conflictId,
      round: 1,
      expectedVersion: 2,
      operationsCovered: 1,
      outcome: { kind: "park", reason: "for a person", proposed: { of: "both" }, overlaps: [overlap] },
      inputs: { ancestor: { of: "d1" }, local: { of: "d3" }, localTimestampMs: null },
      rises: { seenVersion: null, rose: null, refused: [], ended: null, overlaps: [], twoWay: false },
      isLastRound: false,
    };
    const park: StoredEntry = {
      id: "2-0",
      answeredId: "0-0",
      entry: { kind: "resolution", trace: {}, resolution },
    };
    await store.commit(await planOf(park));
    const recorded = async () => {
      const { rows } = await pool.query<Record<string, unknown>>(
        `SELECT operation_count, ancestor_view, remote_view, local_view, result, overlap_list
         FROM conflicts WHERE workspace_id = 'views'`,
      );
      return rows[0];
    };
    const held = by("d3", { held: true });
    const [read] = (await store.read([held])).conflicts;
    expect(read).toMatchObject({ conflictId, status: "parked" });
    const documents = [
      "ancestor",
      "deviceView",
      "ancestorView",
      "remoteView",
      "localView",
      "result",
      "overlapList",
    ];
    expect(Object.keys(read ?? {}).filter((name) => documents.includes(name))).toEqual([]);
    await store.commit(await planOf(held));
    expect(await recorded()).toMatchObject({
      operation_count: 2,
      result: { of: "both" },
      overlap_list: [overlap],
    });

    const decision: Decision = {
      conflictId,
      choice: "data",
      revision: (await store.read([held])).conflicts[0]?.revision ?? 0,
      version: 2,
      inputs: { ancestor: { of: "d1" }, local: { of: "d3", held: true }, localTimestampMs: null },
    };
    const decided = entryOf("views", { kind: "delete", expectedVersion: 2, decision });
    expect((await store.read([decided])).conflicts).toMatchObject([{ overlapCount: 1 }]);
    await store.commit(await planOf(decided));
    const settled = {
      ancestor_view: { of: "d1" },
      remote_view: { of: "d2" },
      local_view: { of: "d3", held: true },
      result: null,
      overlap_list: [overlap],
    };
    expect(await recorded()).toMatchObject(settled);
    const again = {
      ...decision,
      version: 3,
      revision: (await store.read([held])).conflicts[0]?.revision ?? 0,
    };
    await store.commit(
      await planOf(
        entryOf("views", { kind: "put", data: { of: "d1" }, expectedVersion: 3, decision: again }),
      ),
    );
    expect(await recorded()).toMatchObject(settled);
    const view = { workspaceId, conflictId, view: "localView" } as const;
    expect([...(await store.readHistory([view])).values()]).toEqual([
      { data: { of: "d3", held: true }, deleted: false },
    ]);
  });

  it("reads from the ledger the operations held behind a conflict, not all that were refused with it", async () => {
    const by = (
      device: string,
      kind: "put" | "update",
      more: Partial<GivenBatch>,
      clientId: string,
    ): StoredEntry => {
      const operation = { kind, data: {}, clientId, ...(device === "d3" && { expectedVersion: 1 }) };
      const entry = batchEntry({
        id: randomUUID(),
        workspace: "refused",
        device,
        operations: [operation],
        ...more,
      });
      return { id: "1-0", answeredId: "0-0", entry };
    };
    await store.commit(await planOf(by("d1", "put", {}, "first")));
    await store.commit(await planOf(by("d2", "put", {}, "second")));
    const opening = await planOf(by("d3", "update", { onConflict: "manual" }, "opens"));
    await store.commit(opening);
    await store.commit(await planOf(by("d3", "update", {}, "waits")));
    await store.commit(await planOf(by("d3", "update", { atomic: true }, "fails its group")));
    const conflictId = opening.conflicts[0]?.conflictId ?? "";
    expect(await count("operations", "refused")).toBe(5);
    const inputs = { ancestor: null, local: null, localTimestampMs: null };
    const decision = { conflictId, choice: "server" as const, revision: 1, version: 2, inputs };
    const deciding = entryOf("refused", { kind: "put", data: {}, clientId: "decides", decision });
    const { ledgerRowByKey, runByConflictId } = await store.read([deciding]);
    expect([...ledgerRowByKey.values()].map(({ clientId }) => clientId).sort()).toEqual(["opens", "waits"]);
    expect(runByConflictId.get(conflictId)).toHaveLength(2);
  });

  it("fails as a whole if a decision cannot be recorded", async () => {
    const plan = await planOf(entryOf("decided", { kind: "put", data: {} }));
    const decision = {
      workspaceId: "decided",
      conflictId: randomUUID(),
      revision: 1,
      choice: "data",
      subject: "alice",
      clientId: "decide",
      decidedAtMs: 0,
      replacedVersion: 0,
      replaced: null,
      version: 1,
    } as const;
    const twice = store.commit({ ...plan, decisions: [decision, decision] });
    await expect(twice).rejects.toMatchObject({ code: "SYN_OPERATION_REFUSED" });
    expect(await count("documents", "decided")).toBe(0);
  });

  it("never decreases a document's version", async () => {
    const entry = entryOf("back again", { kind: "put", data: { n: 1 } });
    await store.commit(await planOf(entry));
    const plan = await planOf(entryOf("back again", { kind: "put", data: { n: 2 } }));
    const stale = { ...plan, changes: plan.changes.map((change) => ({ ...change, version: 1 })) };
    await expect(store.commit(stale)).rejects.toMatchObject({ code: "SYN_INVARIANT" });
    expect(await count("changes", "back again")).toBe(1);
  });

  it("is rolled back by a dry run", async () => {
    await store.dryRun(await planOf(entryOf("rehearsed", { kind: "create", data: {} })));
    expect(await count("documents", "rehearsed")).toBe(0);
    expect(await count("workspaces", "rehearsed")).toBe(0);
  });

  it("reports that an operation is at fault if Postgres cannot store it", async () => {
    const plan = await planOf(entryOf("refused", { kind: "create", data: { text: "\u0000" } }));
    await expect(store.commit(plan)).rejects.toMatchObject({ code: "SYN_OPERATION_REFUSED" });
  });

  it("keeps its connection if Postgres refuses a plan: many refusals must not cost as many connections", async () => {
    const refused = await planOf(entryOf("kept", { kind: "create", data: { text: "\u0000" } }));
    const fine = await planOf(entryOf("kept", { kind: "create", data: {} }));
    let removed = 0;
    const countRemoved = () => (removed += 1);
    pool.on("remove", countRemoved);
    await expect(store.dryRun(refused)).rejects.toMatchObject({ code: "SYN_OPERATION_REFUSED" });
    await expect(store.commit(refused)).rejects.toMatchObject({ code: "SYN_OPERATION_REFUSED" });
    await store.commit(fine);
    pool.off("remove", countRemoved);
    expect(removed).toBe(0);
    expect(await count("operations", "kept")).toBe(1);
  });
});
