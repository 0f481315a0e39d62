import { createTestDatabase, prepareRoles, type RoleUrls, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inWorkspaces } from "./in-workspaces.ts";
import { openPool, type Pool } from "./pool.ts";
import { createQuery, type Query } from "./query.ts";
import { scramVerifier } from "./scram-verifier.ts";
import { setUpRoles, type DatabaseRole } from "./set-up-roles.ts";

let database: TestDatabase;
let urls: RoleUrls;
let admin: Pool;
let ingest: Pool;
let conflict: Pool;
let worker: Pool;

const open = (databaseUrl: string) =>
  openPool({
    databaseUrl,
    // The next caller gets the connection of the previous one.
    connectionsMax: 1,
    applicationName: "test",
    onError: (error) => {
      throw error;
    },
  });
const statement = (name: string, text: string) => ({ name, text });
const DENIED = { code: "42501" };
/** The current passwords of the roles, which other tests use, too. */
function passwords(): Record<DatabaseRole, string> {
  const passwordOf = (role: DatabaseRole) => new URL(urls[role]).password;
  return {
    syncline_migrate: passwordOf("syncline_migrate"),
    syncline_ingest: passwordOf("syncline_ingest"),
    syncline_conflict: passwordOf("syncline_conflict"),
    syncline_worker: passwordOf("syncline_worker"),
  };
}

beforeAll(async () => {
  database = await createTestDatabase();
  urls = await prepareRoles(database.databaseUrl);
  admin = open(database.databaseUrl);
  ingest = open(urls.syncline_ingest);
  conflict = open(urls.syncline_conflict);
  worker = open(urls.syncline_worker);
  for (const workspaceId of ["mine", "yours", "odd,{}\"\\ 'ü"]) {
    await admin.query("INSERT INTO workspaces (workspace_id, seq, revision) VALUES ($1, 1, 1)", [
      workspaceId,
    ]);
    await admin.query(
      `INSERT INTO documents (workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id,
         run_base_version, updated_at)
       VALUES ($1, 'documents', 'doc', 1, 1, false, '{}', 'device', 0, now())`,
      [workspaceId],
    );
  }
});
afterAll(async () => {
  await Promise.all([admin, ingest, conflict, worker].map((pool) => pool.end()));
  await database.drop();
});

describe("a service's role", () => {
  it("has the table permissions that its statements need, and no others", async () => {
    const { rows } = await admin.query<{ grantee: string; table_name: string; rights: string }>(
      `SELECT grantee, table_name, string_agg(lower(privilege_type), ' ' ORDER BY privilege_type) AS rights
       FROM information_schema.role_table_grants
       WHERE table_schema = 'public' AND grantee <> table_schema AND grantee NOT IN (
         SELECT tableowner FROM pg_tables WHERE schemaname = 'public'
       )
       GROUP BY grantee, table_name`,
    );
    const rightsOf = (role: string) =>
      Object.fromEntries(
        rows.filter(({ grantee }) => grantee === role).map(({ table_name, rights }) => [table_name, rights]),
      );
    const read = "select";
    const all = "delete insert select update";
    expect([...new Set(rows.map(({ grantee }) => grantee))].sort()).toEqual([
      "syncline_conflict",
      "syncline_ingest",
      "syncline_worker",
    ]);
    expect(rightsOf("syncline_ingest")).toEqual({
      schema_migrations: read,
      workspaces: read,
      documents: read,
      changes: read,
      operations: read,
      batches: read,
      conflicts: read,
      held_operations: read,
      devices: "insert select",
    });
    expect(rightsOf("syncline_conflict")).toEqual({
      schema_migrations: read,
      documents: read,
      changes: read,
      conflicts: read,
      held_operations: read,
      decisions: read,
    });
    expect(rightsOf("syncline_worker")).toEqual({
      schema_migrations: read,
      workspaces: "insert select update",
      documents: "insert select update",
      changes: all,
      operations: all,
      batches: all,
      conflicts: all,
      held_operations: all,
      decisions: "delete insert select",
    });
  });

  it("owns no table, cannot create one, and has no role attributes", async () => {
    const { rows } = await admin.query(
      `SELECT rolname FROM pg_roles
       WHERE rolname LIKE 'syncline\\_%' AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)`,
    );
    expect(rows).toEqual([]);
    const { rows: owners } = await admin.query(
      "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'",
    );
    expect(owners).toEqual([{ tableowner: "syncline_migrate" }]);
    for (const pool of [ingest, conflict, worker]) {
      await expect(pool.query("CREATE TABLE mine ()")).rejects.toMatchObject(DENIED);
      await expect(pool.query("SET ROLE syncline_migrate")).rejects.toMatchObject(DENIED);
      await expect(pool.query("UPDATE settings SET value = '1'")).rejects.toMatchObject(DENIED);
      await expect(pool.query("ALTER TABLE documents DISABLE ROW LEVEL SECURITY")).rejects.toMatchObject(
        DENIED,
      );
    }
  });

  it("calls only its own functions among those that span workspaces", async () => {
    await ingest.query("SELECT * FROM list_full_held_queues()");
    await conflict.query("SELECT * FROM list_stalled_conflicts(0, 1, 1, 1)");
    const stalledPage = "SELECT * FROM list_stalled_conflicts(0, 1, 1, 1, '-infinity', gen_random_uuid())";
    await conflict.query(stalledPage);
    await conflict.query("SELECT * FROM count_unsettled_conflicts()");
    await expect(ingest.query("SELECT * FROM count_unsettled_conflicts()")).rejects.toMatchObject(DENIED);
    await expect(ingest.query(stalledPage)).rejects.toMatchObject(DENIED);
    await expect(conflict.query("SELECT * FROM list_full_held_queues()")).rejects.toMatchObject(DENIED);
    await worker.query("SELECT note_ledger_dropped(2), note_ledger_dropped(1), note_ledger_dropped(NULL)");
    expect((await worker.query("SELECT ledger_dropped_to()")).rows).toEqual([{ ledger_dropped_to: 2 }]);
    for (const pool of [ingest, conflict]) {
      await expect(pool.query("SELECT note_ledger_dropped(3)")).rejects.toMatchObject(DENIED);
      await expect(pool.query("SELECT ledger_dropped_to()")).rejects.toMatchObject(DENIED);
    }
    await expect(ingest.query("SELECT * FROM list_stalled_conflicts(0, 1, 1, 1)")).rejects.toMatchObject(
      DENIED,
    );
  });

  it("reads the epoch without access to the settings", async () => {
    for (const pool of [ingest, conflict, worker]) {
      await pool.query("SELECT * FROM current_epoch()");
      await expect(pool.query("SELECT server_history()")).rejects.toMatchObject(DENIED);
      await expect(pool.query("SELECT value FROM settings")).rejects.toMatchObject(DENIED);
    }
  });

  it("cannot shadow a table of such a function with its own", async () => {
    await worker.query("CREATE TEMP TABLE settings (name text PRIMARY KEY, value text)");
    await worker.query("SELECT * FROM claim_settings(16, 1)");
    expect((await worker.query("SELECT FROM pg_temp.settings")).rowCount).toBe(0);
    await worker.query("DROP TABLE pg_temp.settings");
  });
});

describe("row-level security between workspaces", () => {
  const WORKSPACES = statement("workspaces", "SELECT workspace_id FROM workspaces ORDER BY workspace_id");
  const DOCUMENTS = statement("documents", "SELECT workspace_id FROM documents ORDER BY workspace_id");
  const CLAIM = statement(
    "claim",
    "INSERT INTO devices (workspace_id, device_id, subject) VALUES ($1, 'd', 's')",
  );
  let read: Query;
  beforeAll(() => {
    read = createQuery(ingest);
  });
  const ids = (rows: { workspace_id: string }[]) => rows.map(({ workspace_id }) => workspace_id);
  const visible = async (workspaceIds: string[]) =>
    inWorkspaces(workspaceIds, async () => {
      const seen = ids(await read(WORKSPACES, []));
      expect(ids(await read(DOCUMENTS, []))).toEqual(seen);
      return seen;
    });

  it("covers every table with a workspace column", async () => {
    const { rows } = await admin.query<{ relname: string; relrowsecurity: boolean; policies: string[] }>(
      `SELECT c.relname, c.relrowsecurity, ARRAY(
         SELECT policyname::text FROM pg_policies WHERE tablename = c.relname ORDER BY policyname
       ) AS policies
       FROM pg_class c
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'workspace_id'
       WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace`,
    );
    expect(rows.length).toBeGreaterThanOrEqual(9);
    for (const { relname, ...wall } of rows) {
      expect([relname, wall]).toEqual([
        relname,
        { relrowsecurity: true, policies: ["everywhere", "visible"] },
      ]);
    }
  });

  it("shows the named workspaces, whatever characters their ids contain, and no others", async () => {
    expect(await visible(["mine"])).toEqual(["mine"]);
    expect(await visible(["yours", "mine", "nobody's"])).toEqual(["mine", "yours"]);
    expect(await visible(["odd,{}\"\\ 'ü"])).toEqual(["odd,{}\"\\ 'ü"]);
    expect(await visible(["mine,yours", '"mine"', "{mine}", 'mine","yours', "NULL", ""])).toEqual([]);
    expect(await visible([])).toEqual([]);
  });

  it("is not inherited with a connection, nor mixed up between requests that share one", async () => {
    expect(await visible(["mine"])).toEqual(["mine"]);
    expect((await ingest.query("SELECT FROM workspaces")).rowCount).toBe(0);
    const seen = await Promise.all(
      Array.from({ length: 200 }, (_, n) => visible([n % 2 === 0 ? "mine" : "yours"])),
    );
    expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => [n % 2 === 0 ? "mine" : "yours"]));
  });

  it("is not an index condition, which would sort the visible workspaces for each key", async () => {
    const client = await ingest.connect();
    try {
      await client.query("SET enable_seqscan = off");
      await client.query("SELECT set_config('syncline.workspaces', '{mine,yours}', false)");
      const { rows } = await client.query<{ "QUERY PLAN": string }>(
        `EXPLAIN SELECT d.version
         FROM unnest('{mine,yours}'::text[]) AS k (workspace_id)
         CROSS JOIN LATERAL (
           SELECT * FROM documents p
           WHERE p.workspace_id = k.workspace_id AND p.collection = 'documents' AND p.document_id = 'doc'
           LIMIT 1
         ) d`,
      );
      const plan = rows.map((row) => row["QUERY PLAN"]);
      expect(plan.filter((line) => line.includes("Index Cond"))).toEqual([
        expect.not.stringMatching(/ANY|SubPlan|InitPlan/),
      ]);
      expect(plan.filter((line) => line.includes("Filter"))).toEqual([
        expect.stringContaining("hashed SubPlan"),
      ]);
    } finally {
      client.release(true);
    }
  });

  it("rejects writes to other workspaces", async () => {
    await inWorkspaces(["mine"], () => read(CLAIM, ["mine"]));
    await expect(inWorkspaces(["mine"], () => read(CLAIM, ["yours"]))).rejects.toMatchObject({
      cause: DENIED,
    });
  });

  it("rejects a statement without named workspaces", async () => {
    await expect(read(WORKSPACES, [])).rejects.toMatchObject({ code: "SYN_INVARIANT" });
  });

  it("does not restrict the worker, whose statements span workspaces", async () => {
    expect((await worker.query("SELECT FROM documents")).rowCount).toBe(3);
  });
});

it("tables and functions that an administrator migrated or restored all go to syncline_migrate", async () => {
  const restored = await createTestDatabase();
  const pool = open(restored.databaseUrl);
  await pool.query("REASSIGN OWNED BY syncline_migrate TO CURRENT_USER");
  const ownersOf = async () => {
    const { rows } = await pool.query<{ name: string; owner: string }>(
      `SELECT relname AS name, relowner::regrole::text AS owner FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
       UNION ALL
       SELECT proname, proowner::regrole::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace`,
    );
    return rows.filter(({ owner }) => owner !== "syncline_migrate").map(({ name }) => name);
  };
  expect((await ownersOf()).length).toBeGreaterThan(15);
  await setUpRoles(restored.databaseUrl, passwords());
  expect(await ownersOf()).toEqual([]);
  await pool.end();
  await restored.drop();
});

it("reports other databases that the roles may connect to, until PUBLIC may not", async () => {
  const [name, url] = ["strangers", new URL(urls.syncline_worker)];
  url.pathname = `/${name}`;
  const connect = async () => {
    const pool = open(url.href);
    try {
      return (await pool.query("SELECT 1")).rowCount;
    } finally {
      await pool.end();
    }
  };
  await admin.query(`CREATE DATABASE ${name} TEMPLATE template0`);
  try {
    expect(await setUpRoles(database.databaseUrl, passwords())).toContain(name);
    expect(await connect()).toBe(1);
    await admin.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
    expect(await setUpRoles(database.databaseUrl, passwords())).not.toContain(name);
    await expect(connect()).rejects.toMatchObject(DENIED);
  } finally {
    await admin.query(`DROP DATABASE ${name}`);
  }
});

it("the roles cannot connect to the other databases of Syncline's own server", async () => {
  for (const name of ["postgres", "template1"]) {
    const url = new URL(urls.syncline_worker);
    url.pathname = `/${name}`;
    const pool = open(url.href);
    await expect(pool.query("SELECT 1")).rejects.toMatchObject(DENIED);
    await pool.end();
  }
});

it("a password is set without being sent", async () => {
  const verifier = scramVerifier("correct horse battery staple");
  expect(verifier).not.toContain("horse");
  await admin.query(`CREATE ROLE scram_test LOGIN PASSWORD '${verifier}'`);
  const url = new URL(database.databaseUrl);
  url.username = "scram_test";
  await admin.query(`GRANT CONNECT ON DATABASE ${url.pathname.slice(1)} TO scram_test`);
  const tryWith = async (password: string) => {
    url.password = password;
    const pool = open(url.href);
    try {
      return (await pool.query("SELECT 1")).rowCount;
    } finally {
      await pool.end();
    }
  };
  expect(await tryWith("correct horse battery staple")).toBe(1);
  await expect(tryWith("wrong horse battery staple")).rejects.toMatchObject({ code: "28P01" });
  await admin.query("DROP OWNED BY scram_test");
  await admin.query("DROP ROLE scram_test");
});

it("the roles can be set up for several databases of a server concurrently", async () => {
  const databases = await Promise.all(Array.from({ length: 6 }, () => createTestDatabase()));
  try {
    await Promise.all(databases.map(({ databaseUrl }) => setUpRoles(databaseUrl, passwords())));
  } finally {
    await Promise.all(databases.map((one) => one.drop()));
  }
});
