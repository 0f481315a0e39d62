import { createTestDatabase } from "@syncline/stack";
import { readFile } from "node:fs/promises";
import pg from "pg";
import { expect, it, onTestFinished } from "vitest";

const CITUS = new URL("../../../migrations/optional/citus.sql", import.meta.url);
/** Tables of the whole database, which stay on the coordinator. */
const LOCAL_TABLES = ["schema_migrations", "settings"];

// Citus is not available from npm or Debian, so only its requirements for a schema are checked, not that it accepts the
// statements.
it("every table is distributed by workspace, and its unique indexes contain the workspace, as Citus requires", async () => {
  const { databaseUrl, drop } = await createTestDatabase();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await drop();
  });
  const { rows: tables } = await client.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY name",
  );

  await client.query(`
    CREATE TEMP TABLE distributed (name text, by text, colocated_with text);
    CREATE FUNCTION create_distributed_table(table_name regclass, distribution_column text, colocate_with text) RETURNS void
      BEGIN ATOMIC
        INSERT INTO distributed VALUES (table_name::text, distribution_column, colocate_with);
      END`);
  await client.query(await readFile(CITUS, "utf8"));

  const { rows: distributed } = await client.query(
    "SELECT name, by, colocated_with FROM distributed ORDER BY name",
  );
  const wanted = tables.map(({ name }) => name).filter((name) => !LOCAL_TABLES.includes(name));
  expect(distributed).toEqual(
    wanted.map((name) => ({
      name,
      by: "workspace_id",
      colocated_with: name === "workspaces" ? "none" : "workspaces",
    })),
  );
  const { rows: uniqueElsewhere } = await client.query(`
    SELECT i.indexrelid::regclass AS name
    FROM pg_index i
    JOIN distributed d ON d.name::regclass = i.indrelid
    WHERE i.indisunique AND NOT EXISTS (
      SELECT FROM pg_attribute a
      WHERE a.attrelid = i.indrelid AND a.attname = d.by AND a.attnum = ANY (i.indkey)
    )`);
  expect(uniqueElsewhere).toEqual([]);
  const { rows: references } = await client.query("SELECT conname FROM pg_constraint WHERE contype = 'f'");
  expect(references).toEqual([]);
});
