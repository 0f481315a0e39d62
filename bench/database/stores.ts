import { migrate } from "@syncline/store";
import { Redis } from "ioredis";
import { startLocalStores, type LocalStores } from "../../stack/src/testing/test-stores.ts";
import { GROUND, type Ground } from "../workload/documents.ts";
import { onDatabase } from "./on-database.ts";
import { seed, seedMoreDocuments } from "./seed.ts";

/** The stores of a run, and the databases to measure in. */
export interface Stores {
  readonly postgresPid: number;
  readonly redisPid: number;
  /** The server's address for a superuser. */
  readonly databaseServerUrl: string;
  /** The server's address. */
  readonly redisUrl: string;
  /** The folder of logs and process records. */
  readonly home: string;
  /** Creates a database with the documents of {@link GROUND}, each at version 1. */
  createSeededDatabase(): Promise<string>;
  /** Creates a database with the documents of a ground, and more beside them. */
  createLargeDatabase(ground: Ground, moreDocuments: number): Promise<string>;
  /** Creates a database without any table. */
  createEmptyDatabase(): Promise<string>;
  /** Selects an empty logical database of Redis. */
  createRedisUrl(): Promise<string>;
  stop(): Promise<void>;
}

const TEMPLATE = "bench_seeded";
/**
 * Keeps checkpoints out of the rounds, so that none falls into only one contender's. All other settings are Postgres's
 * defaults.
 */
const POSTGRES_SETTINGS = { max_wal_size: "8GB", checkpoint_timeout: "60min" };

/** @param options - `countStatements` makes `pg_stat_statements` available, at a small cost */
export async function startStores({ countStatements = false } = {}): Promise<Stores> {
  const stores = await startLocalStores();
  try {
    const settings = {
      ...POSTGRES_SETTINGS,
      ...(countStatements ? { shared_preload_libraries: "pg_stat_statements" } : {}),
    };
    await onDatabase(stores.databaseServerUrl, async (client) => {
      for (const [name, value] of Object.entries(settings)) {
        await client.query(`ALTER SYSTEM SET ${name} = '${value}'`);
      }
      await client.query("SELECT pg_reload_conf()");
      await client.query(`CREATE DATABASE ${TEMPLATE}`);
    });
    if (countStatements) await stores.postgres.restart();
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
    databaseServerUrl: stores.databaseServerUrl,
    redisUrl: stores.redisUrl,
    home: stores.home,
    createSeededDatabase: () => create(TEMPLATE),
    createEmptyDatabase: () => create("template0"),
    async createLargeDatabase(ground, moreDocuments) {
      const url = await create("template0");
      await migrate({ databaseUrl: url });
      await onDatabase(url, async (client) => {
        await seed(client, ground);
        if (moreDocuments > 0) await seedMoreDocuments(client, ground, moreDocuments);
      });
      return url;
    },
    async createRedisUrl() {
      const url = new URL(stores.redisUrl);
      url.pathname = `/${++redisDatabases}`;
      return url.href;
    },
    stop: () => stores.stop(),
  };
}

/** Requires durable stores, as production promises: every commit and every entry on disk. */
async function requireDurable({ databaseServerUrl, redisUrl }: LocalStores): Promise<void> {
  const settings = await onDatabase(databaseServerUrl, async (client) => {
    const { rows } = await client.query<{ name: string; setting: string }>(
      "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes')",
    );
    return rows;
  });
  for (const { name, setting } of settings) {
    if (setting !== "on") throw new Error(`Postgres runs with ${name} = ${setting}; commits must be durable`);
  }
  const redis = new Redis(redisUrl);
  try {
    for (const [name, wanted] of [
      ["appendonly", "yes"],
      ["appendfsync", "always"],
    ] as const) {
      const [, found] = await redis.config("GET", name);
      if (found !== wanted) throw new Error(`Redis runs with ${name} ${found}, expected ${wanted}`);
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
