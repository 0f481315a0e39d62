import { migrate } from "@syncline/runtime";
import pg from "pg";
import { Redis } from "ioredis";
import { startLocalStores, type LocalStores } from "../stack/src/testing/test-stores.ts";
import { GROUND, seedDocuments, workspaceId, type Ground } from "./work/documents.ts";

/** The stores of a run, and databases to measure in. */
export interface Stores {
  readonly postgresPid: number;
  readonly redisPid: number;
  /** Where logs and process records go. */
  readonly home: string;
  /** A database of its own with the documents of {@link GROUND}, each at version 1. */
  createSeededDatabase(): Promise<string>;
  /** A database of its own without any table. */
  createEmptyDatabase(): Promise<string>;
  /** A logical database of Redis, empty. */
  createRedisUrl(): Promise<string>;
  stop(): Promise<void>;
}

const TEMPLATE = "bench_seeded";
/** So that no checkpoint falls into one contender's round and not into another's. All else is as Postgres comes. */
const POSTGRES_SETTINGS = { max_wal_size: "8GB", checkpoint_timeout: "60min" };

export async function startStores(): Promise<Stores> {
  const stores = await startLocalStores();
  try {
    await onDatabase(stores.databaseServerUrl, async (client) => {
      for (const [name, value] of Object.entries(POSTGRES_SETTINGS)) {
        await client.query(`ALTER SYSTEM SET ${name} = '${value}'`);
      }
      await client.query("SELECT pg_reload_conf()");
      await client.query(`CREATE DATABASE ${TEMPLATE}`);
    });
    const templateUrl = withDatabase(stores.databaseServerUrl, TEMPLATE);
    await migrate({ databaseUrl: templateUrl });
    await onDatabase(templateUrl, (client) => seed(client, GROUND));
    await requireDurable(stores);
  } catch (error) {
    await stores.stop();
    throw error;
  }
  let databases = 0;
  const create = async (template: string) => {
    const name = `bench_${++databases}`;
    await onDatabase(stores.databaseServerUrl, (client) =>
      client.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`),
    );
    return withDatabase(stores.databaseServerUrl, name);
  };
  let redisDatabases = 0;
  return {
    postgresPid: stores.postgres.pid ?? 0,
    redisPid: stores.redis.pid ?? 0,
    home: stores.home,
    createSeededDatabase: () => create(TEMPLATE),
    createEmptyDatabase: () => create("template0"),
    async createRedisUrl() {
      const url = new URL(stores.redisUrl);
      url.pathname = `/${++redisDatabases}`;
      return url.href;
    },
    stop: () => stores.stop(),
  };
}

export async function onDatabase<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Puts documents in place as if they had been created, each by a change of its own. */
export async function seed(client: pg.Client, ground: Ground): Promise<void> {
  for (let workspace = 0; workspace < ground.workspaces; workspace++) {
    const rows = seedDocuments(ground, workspace).map(({ documentId, data }, index) => ({
      i: documentId,
      s: index + 1,
      x: data,
    }));
    const values = [JSON.stringify(rows), workspaceId(workspace)];
    const input = `json_to_recordset($1::json) AS r (i text, s bigint, x jsonb)`;
    await client.query(
      `INSERT INTO documents (workspace_id, collection, document_id, version, seq, deleted, data, writer_device_id, run_base_version, updated_at)
       SELECT $2, 'documents', i, 1, s, false, x, 'seed', 0, now() FROM ${input}`,
      values,
    );
    await client.query(
      `INSERT INTO changes (workspace_id, seq, collection, document_id, first_version, version, deleted, data, device_id, committed_at)
       SELECT $2, s, 'documents', i, 1, 1, false, x, 'seed', now() FROM ${input}`,
      values,
    );
    await client.query("INSERT INTO workspaces (workspace_id, seq, revision) VALUES ($1, $2, 1)", [
      workspaceId(workspace),
      rows.length,
    ]);
  }
  await client.query("VACUUM ANALYZE");
}

/** What is measured must be what is promised: every commit on disk, every entry on disk. */
async function requireDurable({ databaseServerUrl, redisUrl }: LocalStores): Promise<void> {
  const settings = await onDatabase(databaseServerUrl, async (client) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')",
    );
    return rows;
  });
  for (const { name, setting } of settings) {
    if (setting !== "on") throw new Error(`Postgres runs with ${name} = ${setting}`);
  }
  const redis = new Redis(redisUrl);
  try {
    for (const [name, wanted] of [
      ["appendonly", "yes"],
      ["appendfsync", "always"],
    ] as const) {
      const [, found] = await redis.config("GET", name);
      if (found !== wanted) throw new Error(`Redis runs with ${name} ${found}`);
    }
  } finally {
    redis.disconnect();
  }
}

function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
