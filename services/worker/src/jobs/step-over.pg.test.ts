import { randomUUID } from "node:crypto";
import { createLogger } from "@syncline/kit/telemetry";
import { workspaceOf } from "@syncline/lanes";
import { openPool } from "@syncline/store";
import type { JsonObject } from "@syncline/shared/document";
import type { StoredEntry } from "@syncline/shared/protocol";
import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPgStore } from "../io/pg-store.ts";
import type { WindowStore } from "../io/window-store.ts";
import { batchEntry, type GivenOperation } from "../testing/memory-tables.ts";
import { commitSteppingOver } from "./step-over.ts";

let database: TestDatabase;
/** A pool with the worker's settings. */
let pool: ReturnType<typeof openPool>;
let strangers: ReturnType<typeof openPool>;
beforeAll(async () => {
  database = await createTestDatabase();
  const open = (lockMsMax: number) =>
    openPool({
      databaseUrl: database.databaseUrl,
      connectionsMax: 2,
      applicationName: "test",
      lockMsMax,
      onError: (error) => {
        throw error;
      },
    });
  pool = open(200);
  strangers = open(0);
});
afterAll(async () => {
  await pool.end();
  await strangers.end();
  await database.drop();
});

let entryCount = 0;
const entryOf = (
  workspace: string,
  operations: readonly GivenOperation[] = [{ kind: "put", documentId: "doc", data: {} }],
): StoredEntry => ({
  id: `${++entryCount}-0`,
  answeredId: "0-0",
  entry: batchEntry({
    id: randomUUID(),
    workspace,
    operations: operations.map((operation) => ({ clientId: randomUUID(), ...operation })),
  }),
});
/** A window in which the entries of several workspaces alternate. */
const windowOf = (...workspaces: string[]) =>
  [...workspaces, ...workspaces].map((workspace) => entryOf(workspace));

/** Commits a window. Returns the workspaces that commit, those that are stepped over, and the number of writes. */
async function commit(window: readonly StoredEntry[], changed: Partial<WindowStore> = {}) {
  const store = { ...createPgStore(pool, "epoch-1"), ...changed };
  const committed: StoredEntry[] = [];
  const stuck: StoredEntry[] = [];
  let writes = 0;
  await commitSteppingOver(window, {
    store: {
      ...store,
      commit: (plan) => (++writes, store.commit(plan)),
      dryRun: (plan) => (++writes, store.dryRun(plan)),
    },
    newId: randomUUID,
    ledgerRetentionMs: undefined,
    log: createLogger({ service: "test", level: "fatal" }),
    onCommitted: async (entries) => void committed.push(...entries),
    onStuck: async (entries) => void stuck.push(...entries),
  });
  const workspaces = (entries: readonly StoredEntry[]) => [...new Set(entries.map(workspaceOf))].sort();
  expect(committed.map(({ id }) => Number(id.split("-")[0]))).toEqual(
    committed.map(({ id }) => Number(id.split("-")[0])).toSorted((one, other) => one - other),
  );
  expect(committed.length + stuck.length).toBe(window.length);
  return { committed: workspaces(committed), stuck: workspaces(stuck), writes };
}

/** Runs a function while another connection's transaction holds the effects of a statement. */
async function during<T>(statement: string, run: () => Promise<T>): Promise<T> {
  const client = await strangers.connect();
  try {
    await client.query("BEGIN");
    await client.query(statement);
    return await run();
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
}

it("steps over all workspaces whose rows are held, after one wait", async () => {
  await commit(windowOf("a", "b", "c", "d", "e"));
  const held = "SELECT FROM workspaces WHERE workspace_id IN ('a', 'd') FOR UPDATE";
  const outcome = await during(held, () => commit(windowOf("a", "b", "c", "d", "e")));
  expect(outcome).toEqual({ committed: ["b", "c", "e"], stuck: ["a", "d"], writes: 2 });
});

it("steps over a workspace of which a document is held, or a conflict", async () => {
  const document = "SELECT FROM documents WHERE workspace_id = 'b' AND document_id = 'doc' FOR UPDATE";
  const outcome = await during(document, () => commit(windowOf("a", "b", "c")));
  expect(outcome).toMatchObject({ committed: ["a", "c"], stuck: ["b"] });
});

it("finds by halves the workspaces that wait for an invisible lock: rows that others are about to insert", async () => {
  const inserting =
    "INSERT INTO workspaces (workspace_id, seq, revision) VALUES ('new 1', 1, 1), ('new 2', 1, 1)";
  const outcome = await during(inserting, () => commit(windowOf("a", "new 1", "b", "c", "new 2")));
  expect(outcome).toMatchObject({ committed: ["a", "b", "c"], stuck: ["new 1", "new 2"] });
});

it("steps over a workspace that fails whichever operation is refused", async () => {
  await pool.query("ALTER TABLE workspaces ADD CHECK (workspace_id <> 'refused')");
  const outcome = await commit(windowOf("a", "refused", "b"));
  expect(outcome).toMatchObject({ committed: ["a", "b"], stuck: ["refused"] });
});

it("steps over a workspace that alone meets an unexpected failure", async () => {
  await pool.query(`
    CREATE FUNCTION fail_for_one() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.workspace_id = 'c' THEN RAISE EXCEPTION 'broken' USING ERRCODE = 'ZZ999'; END IF;
      RETURN NEW;
    END $$`);
  await pool.query(
    "CREATE TRIGGER fail_for_one BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION fail_for_one()",
  );
  const outcome = await commit(windowOf("a", "b", "c", "d"));
  expect(outcome).toMatchObject({ committed: ["a", "b", "d"], stuck: ["c"] });
});

it("steps over a workspace that cannot be planned because of a bug without a code", async () => {
  const store = createPgStore(pool, "epoch-1");
  const outcome = await commit(windowOf("a", "planless", "b"), {
    async read(entries, bytesMax) {
      if (entries.some((entry) => workspaceOf(entry) === "planless")) throw new TypeError("not a document");
      return store.read(entries, bytesMax);
    },
  });
  expect(outcome).toMatchObject({ committed: ["a", "b"], stuck: ["planless"] });
});

describe("a workspace whose operations take long", () => {
  const times = <T>(count: number, make: (n: number) => T) =>
    Array.from({ length: count }, (_, n) => make(n));
  const writeAll = async (workspace: string, documents: readonly object[]) => {
    for (const [n, data] of documents.entries())
      await commit([entryOf(workspace, [{ kind: "put", documentId: `doc-${n}`, data: data as JsonObject }])]);
  };

  it("is stepped over for the values that they read, even if no other workspace waits yet", async () => {
    const wide = Object.fromEntries(times(20_000, (n) => [`k${n}`, n]));
    await writeAll("wide", [wide]);
    const edits = times(20, (n): GivenOperation => ({ kind: "update", documentId: "doc-0", data: { k: n } }));
    const few = [entryOf("a"), entryOf("wide", edits.slice(0, 3)), entryOf("b")];
    expect(await commit(few)).toMatchObject({ committed: ["a", "b", "wide"], stuck: [] });
    const many = [entryOf("a"), entryOf("wide", edits), entryOf("b")];
    expect(await commit(many)).toMatchObject({ committed: ["a", "b"], stuck: ["wide"] });
    expect(await commit([entryOf("wide", edits)])).toMatchObject({ committed: [], stuck: ["wide"] });
  });

  it("is stepped over for the bytes of the documents that they read", async () => {
    await writeAll(
      "large",
      times(20, () => ({ text: "x".repeat(1_000_000) })),
    );
    const edits = times(20, (n): GivenOperation => ({ kind: "update", documentId: `doc-${n}`, data: { n } }));
    const window = [entryOf("a"), entryOf("large", edits), entryOf("b")];
    expect(await commit(window)).toMatchObject({ committed: ["a", "b"], stuck: ["large"] });
    expect(await commit([entryOf("large", edits)])).toMatchObject({ committed: [], stuck: ["large"] });
  });
});

it("steps over no workspace if a table is locked, or the store is away: that is no workspace's fault", async () => {
  const window = windowOf("a", "b");
  await expect(during("LOCK TABLE documents", () => commit(window))).rejects.toMatchObject({
    code: "SYN_POSTGRES_CONTENTION",
  });
});
