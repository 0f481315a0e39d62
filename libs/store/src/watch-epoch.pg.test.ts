import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createLogger } from "@syncline/kit/telemetry";
import type { Repeating } from "@syncline/kit/process";
import { openPool, type Pool } from "./pool.ts";
import { claimSettings } from "./settings.ts";
import { watchEpoch } from "./watch-epoch.ts";

const log = createLogger({ service: "test", level: "silent" });
let database: TestDatabase;
let pools: [Pool, Pool];
let watch: Repeating;
let reasons: Error[];
/** Resolves when the process is first told to end. */
let told: Promise<void>;
const open = () =>
  openPool({
    databaseUrl: database.databaseUrl,
    connectionsMax: 2,
    applicationName: "test",
    onError: (error) => {
      throw error;
    },
  });
beforeEach(async () => {
  database = await createTestDatabase();
  pools = [open(), open()];
  reasons = [];
  const settings = await claimSettings(pools[0], { lanes: 16, shards: 1 });
  told = new Promise((resolve) => {
    const onEnd = (reason: Error) => {
      reasons.push(reason);
      resolve();
    };
    watch = watchEpoch(pools, settings, { log, onEnd });
  });
});
afterEach(async () => {
  await watch.stop();
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

const STORE_ANOTHER_EPOCH = "UPDATE settings SET value = 'another' WHERE name = 'epoch'";
/** The effect of a promoted standby, or of any other replacement of the server. */
const MOVE_TO_ANOTHER_SERVER =
  "CREATE OR REPLACE FUNCTION server_history() RETURNS text LANGUAGE sql AS $$ SELECT '7000000000000000000/2' $$";

it("leaves every pool alone while the claimed epoch is current", async () => {
  for (const pool of pools) {
    const clients = await Promise.all([pool.connect(), pool.connect()]);
    for (const client of clients) client.release();
  }
  expect(reasons).toEqual([]);
});

it.each([
  [
    "another epoch was stored",
    STORE_ANOTHER_EPOCH,
    /^the database's epoch has changed from .* to another: this process ends/,
  ],
  [
    "the server is a different one",
    MOVE_TO_ANOTHER_SERVER,
    /server or timeline has changed from .* to 7000000000000000000\/2: this process ends/,
  ],
])("gives out no new connection, of any pool, once %s", async (_, change, reason) => {
  // The first pool already has its first connection.
  const held = await pools[0].connect();
  try {
    await held.query(change);
    for (const pool of pools) {
      await expect(pool.connect().then((client) => client.release())).rejects.toThrow(reason);
    }
  } finally {
    held.release();
  }
  expect(reasons.length).toBeGreaterThanOrEqual(pools.length);
  for (const { message } of reasons) expect(message).toMatch(reason);
});

it("detects the change without a new connection, too", async () => {
  await pools[0].query(STORE_ANOTHER_EPOCH);
  await told;
  expect(pools.map((pool) => pool.totalCount)).toEqual([1, 0]);
});
