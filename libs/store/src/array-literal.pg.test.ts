import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, expect, it } from "vitest";
import { arrayLiteral } from "./array-literal.ts";

let database: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.databaseUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const cameBack = async (values: readonly (string | number | boolean | null)[], type: string) => {
  const sql = `SELECT to_json($1::text::${type}[]) AS values`;
  const { rows } = await client.query<{ values: unknown }>(sql, [arrayLiteral(values)]);
  return rows[0]?.values;
};

it("is read back as the written values", async () => {
  const text = fc
    .string({
      unit: fc.oneof(fc.constantFrom('"', "\\", ",", "{", "}", "NULL", " "), fc.string({ unit: "grapheme" })),
    })
    .filter((value) => !value.includes("\u0000"));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(text)), async (values) => {
      expect(await cameBack(values, "text")).toEqual(values);
    }),
  );
  expect(await cameBack([1, null, -(2 ** 53)], "bigint")).toEqual([1, null, -(2 ** 53)]);
  expect(await cameBack([true, false, null], "boolean")).toEqual([true, false, null]);
});
