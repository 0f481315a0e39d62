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
    connectionsMax: 1,
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

it("starts on a schema that is newer than it needs: the version before it goes on beside a migration", async () => {
  await pool.query("INSERT INTO schema_migrations (name) VALUES ('999999_of_a_later_version.sql')");
  await expect(claimSettings(pool, { lanes: 16, shards: 1 })).resolves.toMatchObject({
    epoch: expect.any(String),
  });
});

it("refuses to start on an older one, and says which migration is missing and what to run", async () => {
  await pool.query("DELETE FROM schema_migrations WHERE name = '000006_decisions.sql'");
  await expect(claimSettings(pool, { lanes: 16, shards: 1 })).rejects.toThrow(
    /lacks 000006_decisions\.sql; .*npm run migrate/,
  );
});

it("refuses a database that was never migrated", async () => {
  await pool.query("ALTER TABLE schema_migrations RENAME TO set_aside");
  await expect(claimSettings(pool, { lanes: 16, shards: 1 })).rejects.toThrow(
    /lacks 000001_core\.sql, .*npm run migrate/,
  );
});
