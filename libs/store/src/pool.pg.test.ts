import { createTestDatabase } from "@syncline/stack";
import { expect, it } from "vitest";
import { openPool } from "./pool.ts";

it("survives a connection that breaks in the middle of a transaction, and replaces it", async () => {
  const database = await createTestDatabase();
  const errors: Error[] = [];
  const { databaseUrl } = database;
  const pool = openPool({
    databaseUrl,
    connectionsMax: 2,
    applicationName: "broken",
    onError: (error) => errors.push(error),
  });
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  await client.query("BEGIN");
  const ended = new Promise((resolve) => client.once("end", resolve));
  await pool.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid]);
  await ended;
  await expect(client.query("SELECT 1")).rejects.toThrow();
  client.release(true);
  expect(errors.length).toBeGreaterThan(0);
  expect((await pool.query("SELECT 1")).rowCount).toBe(1);
  await pool.end();
  await database.drop();
});
