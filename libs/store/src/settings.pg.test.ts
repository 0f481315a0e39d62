import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openPool } from "./pool.ts";
import { claimSettings } from "./settings.ts";

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({
    databaseUrl: database.databaseUrl,
    connectionsMax: 8,
    applicationName: "test",
    onError: (error) => {
      throw error;
    },
  });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});
const epochOf = async () => (await claimSettings(pool, { lanes: 16, shards: 4 })).epoch;

it("keeps the epoch across starts, and for processes that start together", async () => {
  const epochs = await Promise.all(Array.from({ length: 8 }, epochOf));
  expect(new Set([...epochs, await epochOf()]).size).toBe(1);
});

it("begins a new epoch, once, when the database is on another server or timeline than before", async () => {
  const before = await epochOf();
  await pool.query("UPDATE settings SET value = '7000000000000000000/1' WHERE name = 'history'");
  const epochs = new Set(await Promise.all(Array.from({ length: 8 }, epochOf)));
  expect([...epochs]).toEqual([await epochOf()]);
  expect(await epochOf()).not.toBe(before);
});

it("rejects a number of lanes that differs from the stored one", async () => {
  await epochOf();
  await expect(claimSettings(pool, { lanes: 32, shards: 4 })).rejects.toThrow("set LANES=16");
  await expect(claimSettings(pool, { lanes: 12, shards: 4 })).rejects.toThrow("power of two");
});

it("rejects a number of shards that differs from the stored one", async () => {
  await epochOf();
  await expect(claimSettings(pool, { lanes: 16, shards: 1 })).rejects.toThrow("set REDIS_SHARDS=4");
  await expect(claimSettings(pool, { lanes: 16, shards: 32 })).rejects.toThrow("no more than LANES, 16");
});
