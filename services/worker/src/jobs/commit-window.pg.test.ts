import { randomUUID } from "node:crypto";
import { createLogger } from "@syncline/kit/telemetry";
import { openPool } from "@syncline/store";
import type { StoredEntry } from "@syncline/shared/protocol";
import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPgStore } from "../io/pg-store.ts";
import type { WindowStore } from "../io/window-store.ts";
import { batchEntry, type GivenOperation } from "../testing/memory-tables.ts";
import type { WindowPlan } from "../core/window-plan.ts";
import { commitWindow } from "./commit-window.ts";

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({
    databaseUrl: database.databaseUrl,
    connectionsMax: 2,
    applicationName: "test",
    onError: (error) => {
      throw error;
    },
  });
  await pool.query("ALTER TABLE documents ADD CHECK (document_id NOT LIKE 'bad%')");
  await pool.query("ALTER TABLE documents ADD CHECK (data ->> 'state' <> 'half done')");
  await pool.query("CREATE UNIQUE INDEX ON documents (workspace_id, (data ->> 'slot'))");
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
const put = (documentId: string, more: Partial<GivenOperation> = {}): GivenOperation => ({
  kind: "put",
  documentId,
  clientId: documentId,
  data: {},
  ...more,
});

/**
 * Commits a window. Returns how often it wrote and tried each operation, the operations' statuses, and the entry
 * counts of the commits.
 */
async function commit(entries: readonly StoredEntry[]) {
  const store = createPgStore(pool, "epoch-1");
  const triesById = new Map<string, number>();
  let writes = 0;
  const counting = (write: (plan: WindowPlan) => Promise<void>) => (plan: WindowPlan) => {
    writes += 1;
    for (const { clientId } of plan.ledgerRows) triesById.set(clientId, (triesById.get(clientId) ?? 0) + 1);
    return write(plan);
  };
  const counted: WindowStore = {
    ...store,
    commit: counting((plan) => store.commit(plan)),
    dryRun: counting((plan) => store.dryRun(plan)),
  };
  const statusById = new Map<string, string>();
  const commits: number[] = [];
  await commitWindow(entries, {
    store: counted,
    newId: randomUUID,
    ledgerRetentionMs: undefined,
    log: createLogger({ service: "test", level: "fatal" }),
    onCommitted(committed, plan) {
      commits.push(committed.length);
      for (const { clientId, status } of plan.ledgerRows) statusById.set(clientId, status);
      return Promise.resolve();
    },
  });
  return { writes, triesById, statusById, commits };
}

describe("a window whose documents are large together", () => {
  it("commits in halves, and a single batch without a limit", async () => {
    const text = "x".repeat(1_000_000);
    const ids = (from: number, count: number) => Array.from({ length: count }, (_, n) => `large ${from + n}`);
    await commit([
      entryOf("large", ...ids(0, 20).map((id): GivenOperation => ({ ...put(id), data: { text } }))),
    ]);
    const touch = (from: number, count: number) =>
      entryOf(
        "large",
        ...ids(from, count).map((documentId): GivenOperation => ({
          kind: "update",
          documentId,
          data: { n: 1 },
        })),
      );
    expect((await commit([touch(0, 5), touch(5, 5), touch(10, 5), touch(15, 5)])).commits).toEqual([2, 2]);
    expect((await commit([touch(0, 5), touch(5, 5)])).commits).toEqual([2]);
    expect((await commit([touch(0, 20)])).commits).toEqual([1]);
    const { rows } = await pool.query(
      "SELECT DISTINCT version FROM documents WHERE workspace_id = 'large' AND data ->> 'n' = '1' ORDER BY version",
    );
    expect(rows).toEqual([{ version: 3 }, { version: 4 }]);
  });
});

describe("a window that Postgres refuses", () => {
  it("commits all but the failing operation, and tries no other batch more than log2(n) times", async () => {
    const ids = Array.from({ length: 64 }, (_, n) => (n === 37 ? "bad" : `good ${n}`));
    const { triesById, statusById } = await commit(ids.map((id) => entryOf("batches", put(id))));
    for (const id of ids) expect([id, statusById.get(id)]).toEqual([id, id === "bad" ? "error" : "success"]);
    // Once with all, and once more each time the window was halved.
    const most = Math.max(...ids.filter((id) => id !== "bad").map((id) => triesById.get(id) ?? 0));
    expect(most).toBe(1 + Math.log2(64));
  });

  it("finds the failing operation of a batch by dry runs, as many as halving takes", async () => {
    const ids = Array.from({ length: 100 }, (_, n) => (n === 73 ? "bad one" : `fine ${n}`));
    const { triesById, statusById } = await commit([entryOf("operations", ...ids.map((id) => put(id)))]);
    for (const id of ids)
      expect([id, statusById.get(id)]).toEqual([id, id === "bad one" ? "error" : "success"]);
    // The window, the batch alone, the search, a final check, and the commit.
    expect(Math.max(...triesById.values())).toBeLessThanOrEqual(4 + Math.ceil(Math.log2(101)));
  });

  it("commits all but several failing operations", async () => {
    const ids = ["bad 1", "ok 1", "bad 2", "ok 2", "bad 3"];
    const { statusById } = await commit([entryOf("several", ...ids.map((id) => put(id)))]);
    expect([...statusById]).toEqual(ids.map((id) => [id, id.startsWith("bad") ? "error" : "success"]));
  });

  it.each<[string, (n: number) => boolean]>([
    ["all", () => true],
    ["every second one", (n) => n % 2 === 1],
    ["those at the end", (n) => n >= 50],
  ])(
    "searches for the next failing operation from the last one on, if there are many: %s",
    async (name, isBad) => {
      const ids = Array.from({ length: 100 }, (_, n) => `${isBad(n) ? "bad" : "good"} ${n}`);
      const { writes, statusById } = await commit([entryOf(name, ...ids.map((id) => put(id)))]);
      expect([...statusById]).toEqual(ids.map((id) => [id, id.startsWith("bad") ? "error" : "success"]));
      const failing = ids.filter((id) => id.startsWith("bad")).length;
      expect(writes).toBeLessThan(4 * failing + 4 * Math.log2(100));
    },
  );

  it("refuses an operation that fails only after another, if that one passed", async () => {
    const slot = (id: string, name: string) => put(id, { data: { slot: name } });
    const operations = [slot("1", "a"), slot("2", "a"), slot("bad", "b"), slot("3", "b"), slot("4", "b")];
    const { statusById } = await commit([entryOf("slots", ...operations)]);
    expect([...statusById.values()]).toEqual(["success", "error", "error", "success", "error"]);
  });

  it("does not refuse an operation that only fails with half of its group", async () => {
    const half = { group: "g", documentId: "grouped" };
    const operations = [
      put("first"),
      put("half", { ...half, data: { state: "half done" } }),
      put("whole", half),
      put("bad last"),
    ];
    const { statusById } = await commit([entryOf("groups", ...operations)]);
    expect([...statusById.values()]).toEqual(["success", "success", "success", "error"]);
  });

  it("fails a group for its one failing operation, and continues behind it", async () => {
    const ids = ["a", "b", "bad c", "d", "e", "f", "bad g", "h"];
    const operations = ids.map((id) => put(id, "bcde".includes(id.at(-1) ?? "") ? { group: "g" } : {}));
    const { statusById } = await commit([entryOf("failing group", ...operations)]);
    expect(Object.fromEntries(statusById)).toEqual({
      a: "success",
      b: "skipped",
      "bad c": "error",
      d: "skipped",
      e: "skipped",
      f: "success",
      "bad g": "error",
      h: "success",
    });
  });
});
