import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "vitest";
import { storageTests, type StorageHarness } from "../../testing/storages/index.ts";
import type { SqliteDriver } from "./driver.ts";
import { sqliteStorage } from "./sqlite-storage.ts";
import { nodeSqlite } from "./node.ts";

/** The device's free space is a number of pages. */
function createHarness(createDriver: (folder: string) => SqliteDriver): StorageHarness {
  const folder = mkdtempSync(join(tmpdir(), "syncline-sqlite-"));
  const drivers: SqliteDriver[] = [];
  const limitPages = async (pages: number) => {
    for (const driver of drivers) await driver.query(`PRAGMA max_page_count = ${pages}`, []);
  };
  return {
    connect() {
      const driver = createDriver(folder);
      drivers.push(driver);
      return sqliteStorage(driver);
    },
    async fill() {
      await limitPages(1); // SQLite takes the number of pages in use instead.
      return () => limitPages(2 ** 30);
    },
    async dispose() {
      rmSync(folder, { recursive: true });
    },
  };
}

/** A driver that answers later, as those do that run on a thread or in a worker. */
function slow(driver: SqliteDriver): SqliteDriver {
  const later = () => new Promise((resolve) => setImmediate(resolve));
  return {
    open: (file) => later().then(() => driver.open(file)),
    query: (sql, parameters) => later().then(() => driver.query(sql, parameters)),
    close: () => later().then(() => driver.close()),
    delete: (file) => later().then(() => driver.delete(file)),
  };
}

describe.each([
  ["node:sqlite", nodeSqlite],
  ["a driver that answers later", (folder: string) => slow(nodeSqlite(folder))],
])("SQLite by %s", (_, createDriver) => {
  for (const { name, run } of storageTests(() => createHarness(createDriver), { canFill: true }))
    it(name, run);
});
