import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openPool } from "./pool.ts";
import { claimSettings } from "./settings.ts";

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
beforeEach(async () => {
  database = await createTestDatabase();
  pool = openPool({
    databaseUrl: database.databaseUrl,
    connectionsMax: 1,
    applicationName: "test",
    onError: (error) => {
      throw error;
    },
  });
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const start = () => claimSettings(pool, { lanes: 16, shards: 1 });

it("starts on a newer schema, so that the version before a migration keeps running", async () => {
  await pool.query("INSERT INTO schema_migrations VALUES ('999999_of_a_later_version.sql', 'any')");
  await expect(start()).resolves.toMatchObject({ epoch: expect.any(String) });
});

it("refuses to start on an older schema, and names the missing migration and the command to run", async () => {
  await pool.query("DELETE FROM schema_migrations");
  await expect(start()).rejects.toThrow(/lacks 000001_schema\.sql; .*npm run migrate/);
});

it("refuses to start on a database that was never migrated", async () => {
  await pool.query("ALTER TABLE schema_migrations RENAME TO renamed");
  await expect(start()).rejects.toThrow(/lacks 000001_schema\.sql; .*npm run migrate/);
});

it("refuses to start if the content of an applied migration differs, and names the file", async () => {
  await pool.query("UPDATE schema_migrations SET content_hash = 'another'");
  await expect(start()).rejects.toThrow(
    /^migrations\/000001_schema\.sql is not the file that was applied to this database \(SHA-256 another was applied, the file has [0-9a-f]{64}\)/,
  );
});

it("refuses to start on a database from before the first release", async () => {
  await pool.query("ALTER TABLE schema_migrations DROP COLUMN content_hash");
  await expect(start()).rejects.toThrow(/from before the first release/);
});
