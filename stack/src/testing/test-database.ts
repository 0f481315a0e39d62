import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { inject, type ProvidedContext } from "vitest";

/** A database for one test file. */
export interface TestDatabase {
  readonly databaseUrl: string;
  /** Drops the database; fails if the test left a connection open. Databases that are not dropped end with the run. */
  readonly drop: () => Promise<void>;
}

/** Creates a fresh, migrated database by cloning the run's template. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = requireProvided("databaseUrl");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await query(serverUrl, `CREATE DATABASE ${name} TEMPLATE ${requireProvided("databaseTemplate")}`);
  return {
    databaseUrl: withDatabase(serverUrl, name),
    // Without FORCE, Postgres waits a few seconds for connections that are closing.
    drop: () => query(serverUrl, `DROP DATABASE IF EXISTS ${name}`),
  };
}

/** The URL of another database on the same server. */
export function withDatabase(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** A value that the run's set-up provided; only the project "stack" has it. */
export function requireProvided(key: keyof ProvidedContext): string {
  const value = inject(key);
  if (value) return value;
  throw new Error(
    "This test needs Postgres and Redis: name its file *.pg.test.ts, *.redis.test.ts or *.stack.test.ts, or put it in tests/.",
  );
}

async function query(serverUrl: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
