import { createTestDatabase } from "@syncline/stack";
import { readFileSync } from "node:fs";
import pg from "pg";
import { expect, it } from "vitest";

const DESCRIBE = readFileSync(new URL("./testing/describe-schema.sql", import.meta.url), "utf8");
const HEAD =
  "-- The schema that the migrations lead to, to be read. Written by npm run schema, compared by npm test.";

it("libs/store/schema.sql is the schema that the migrations lead to", async () => {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ text: string }>(DESCRIBE);
  await client.end();
  await database.drop();
  const schema = [HEAD, ...rows.map(({ text }) => text.trim())].join("\n\n");
  await expect(`${schema}\n`).toMatchFileSnapshot("../schema.sql");
});
