import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, expect, it } from "vitest";
import { migrate } from "./migrate.ts";
import { MIGRATIONS, readMigrations } from "./migration-files.ts";

const SCHEMA = "000001_schema.sql";

let database: TestDatabase;
let client: pg.Client;
let path: string;
let folder: URL;
beforeEach(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.databaseUrl });
  await client.connect();
  path = await mkdtemp(join(tmpdir(), "syncline-migrations-"));
  folder = pathToFileURL(`${path}/`);
  await cp(MIGRATIONS, folder, { recursive: true });
});
afterEach(async () => {
  await client.end();
  await database.drop();
  await rm(path, { recursive: true });
});

const write = (name: string, sql: string) => writeFile(new URL(name, folder), sql);
const run = () => migrate({ databaseUrl: database.databaseUrl, folder });
const tableExists = async (name: string) =>
  (await client.query("SELECT to_regclass($1) IS NOT NULL AS exists", [name])).rows[0].exists;

it("applies the migrations that the database lacks, oldest first, once", async () => {
  await write("000003_third.sql", "CREATE TABLE third AS TABLE second");
  await write("000002_second.sql", "CREATE TABLE second (id int)");
  expect(await run()).toEqual(["000002_second.sql", "000003_third.sql"]);
  expect(await run()).toEqual([]);
});

it("applies each migration once when several pods start together on an empty database", async () => {
  await client.query("DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  const applied = await Promise.all([run(), run(), run()]);
  expect(applied.flat()).toEqual([SCHEMA]);
});

it("rolls a failing migration back, and names it", async () => {
  await write("000002_good.sql", "CREATE TABLE good ()");
  await write("000003_bad.sql", "CREATE TABLE half (); SELECT no_such_function()");
  await expect(run()).rejects.toThrow(/migration 000003_bad\.sql failed/);
  expect([await tableExists("good"), await tableExists("half")]).toEqual([true, false]);
});

it("stores each migration's content hash", async () => {
  await run();
  const { rows } = await client.query("SELECT name, content_hash FROM schema_migrations");
  expect(rows).toEqual(
    (await readMigrations()).map(({ name, contentHash }) => ({ name, content_hash: contentHash })),
  );
});

it("rejects a migration that was edited after it was applied, by name, and applies none", async () => {
  await write(SCHEMA, `${await readFile(new URL(SCHEMA, folder), "utf8")}\n-- edited\n`);
  await write("000002_more.sql", "CREATE TABLE more ()");
  await expect(run()).rejects.toThrow(
    /^migrations\/000001_schema\.sql is not the file that was applied to this database .*deploy the version with the applied file, or use an empty database/,
  );
  expect(await tableExists("more")).toBe(false);
});

it("treats a migration as unchanged if only its line endings differ", async () => {
  await write(SCHEMA, (await readFile(new URL(SCHEMA, folder), "utf8")).replaceAll("\n", "\r\n"));
  expect(await run()).toEqual([]);
});

it("rejects a database from before the first release, with instructions", async () => {
  await client.query("ALTER TABLE schema_migrations DROP COLUMN content_hash");
  await client.query("UPDATE schema_migrations SET name = '000001_core.sql'");
  await expect(run()).rejects.toThrow(/from before the first release, .*use an empty database/);
});
