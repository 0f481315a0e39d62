import { migrate } from "@syncline/runtime";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { withDatabase } from "./test-database.ts";
import { startTestStores } from "./test-stores.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's address of the Postgres server. */
    databaseUrl: string;
    /** The same server's migrated database, from which those of the tests are cloned. */
    databaseTemplate: string;
    /** Logical database 0, which only counts; see createTestRedisUrl. */
    redisUrl: string;
    /** The folder for logs and process records. */
    stackHome: string;
  }
}

const TEMPLATE = "syncline_template";

/** Brings up the stores once for a run of tests, and ends them and all that tests left running, however it ends. */
export default async function setUpStores(project: TestProject): Promise<() => Promise<void>> {
  const starting = startTestStores(process.env);
  const tearDown = async () => {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    await starting.then((stores) => stores.stop());
  };
  const onSignal = () => {
    void tearDown().finally(() => process.exit(130));
  };
  for (const signal of STOP_SIGNALS) process.once(signal, onSignal);

  const { databaseServerUrl, redisUrl, home } = await starting;
  try {
    await createTemplate(databaseServerUrl);
  } catch (error) {
    await tearDown();
    throw error;
  }
  project.provide("databaseUrl", databaseServerUrl);
  project.provide("databaseTemplate", TEMPLATE);
  project.provide("redisUrl", redisUrl);
  project.provide("stackHome", home);
  return tearDown;
}

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

async function createTemplate(serverUrl: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${TEMPLATE}`);
    await migrate({ databaseUrl: withDatabase(serverUrl, TEMPLATE) });
  } finally {
    await client.end();
  }
}
