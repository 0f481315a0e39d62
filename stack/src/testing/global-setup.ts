import { join } from "node:path";
import { migrate } from "@syncline/store";
import { Client } from "pg";
import type { TestProject } from "vitest/node";
import { prepareRoles } from "../database-roles.ts";
import { bundleServices } from "./bundle-services.ts";
import { withDatabase } from "./test-database.ts";
import { startTestStores } from "./test-stores.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's URL of the Postgres server. */
    databaseUrl: string;
    /** The server's migrated database, from which test databases are cloned. */
    databaseTemplate: string;
    /** Logical database 0, which holds only a counter; see createTestRedisUrl. */
    redisUrl: string;
    /** The folder for logs and process records. */
    stackHome: string;
    /** The services' bundles; see bundleServices. */
    bundleFolder: string;
  }
}

const TEMPLATE = "syncline_template";

/**
 * Starts the stores and bundles the services, once for a run of tests. The returned function stops them and all processes that tests left
 * running.
 */
export default async function setUpStores(project: TestProject): Promise<() => Promise<void>> {
  const { databaseServerUrl, redisUrl, home, stop } = await startTestStores(process.env);
  const bundleFolder = join(home, "services");
  try {
    await dispenseWithSync(databaseServerUrl);
    await Promise.all([createTemplate(databaseServerUrl), bundleServices(bundleFolder)]);
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide("databaseUrl", databaseServerUrl);
  project.provide("databaseTemplate", TEMPLATE);
  project.provide("redisUrl", redisUrl);
  project.provide("stackHome", home);
  project.provide("bundleFolder", bundleFolder);
  return stop;
}

/** A killed Postgres loses nothing without syncing to disk, and the tests' databases need not survive a power failure. */
async function dispenseWithSync(serverUrl: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query("ALTER SYSTEM SET fsync = off");
    await client.query("ALTER SYSTEM SET full_page_writes = off");
    await client.query("SELECT pg_reload_conf()");
  } finally {
    await client.end();
  }
}

async function createTemplate(serverUrl: string): Promise<void> {
  const client = new Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await client.query(`CREATE DATABASE ${TEMPLATE}`);
    const { syncline_migrate: databaseUrl } = await prepareRoles(withDatabase(serverUrl, TEMPLATE));
    await migrate({ databaseUrl });
  } finally {
    await client.end();
  }
}
