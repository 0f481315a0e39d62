import { readdir, readFile } from "node:fs/promises";
import { openPool } from "@syncline/store";
import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { afterAll, beforeAll, expect, it } from "vitest";

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
beforeAll(async () => {
  database = await createTestDatabase();
  const { databaseUrl } = database;
  const fail = (error: Error) => {
    throw error;
  };
  pool = openPool({ databaseUrl, connectionsMax: 1, applicationName: "test", onError: fail });
  // Postgres plans for empty tables here, and a connection keeps its plans.
  await pool.query("ANALYZE");
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const services = new URL("../../services/", import.meta.url);
const files = (
  await Promise.all(
    ["worker", "ingest", "conflict"].map(async (service) => {
      const folder = `${service}/src/sql/`;
      return (await readdir(new URL(folder, services))).map((file) => folder + file);
    }),
  )
).flat();

it.each(files)("%s reads no table completely, even with a plan made on empty tables", async (file) => {
  const sql = await readFile(new URL(file, services), "utf8");
  const { rows } = await pool.query<{ "QUERY PLAN": string }>(`EXPLAIN (GENERIC_PLAN) ${sql}`);
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  expect(plan).not.toContain("Seq Scan");
});
