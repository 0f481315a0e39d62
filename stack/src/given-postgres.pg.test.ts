import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { Client } from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { findFreePorts } from "./free-port.ts";
import { findObstacle, requirePostgres, type ServerFacts } from "./given-postgres.ts";
import {
  createTestDatabase,
  requireProvided,
  withDatabase,
  type TestDatabase,
} from "./testing/test-database.ts";

let database: TestDatabase;
let admin: Client;
beforeAll(async () => {
  database = await createTestDatabase();
  admin = new Client({ connectionString: requireProvided("databaseUrl") });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await database.drop();
});

/** The test database's URL with some parts changed. */
function changed(parts: Partial<Record<"username" | "password" | "host" | "search", string>>): string {
  return Object.assign(new URL(database.databaseUrl), parts).href;
}

test("a database that Syncline can use is accepted", async () => {
  expect(await requirePostgres(database.databaseUrl)).toBeUndefined();
});

test.each([
  [
    "a wrong password",
    () => changed({ password: "wrong-password" }),
    /rejects the password of the user syncline: correct/,
  ],
  [
    "no password",
    () => changed({ password: "" }),
    /demands a password, and DATABASE_URL has none for the user syncline/,
  ],
  [
    "a missing database",
    () => withDatabase(database.databaseUrl, "missing"),
    /has no database missing: create it/,
  ],
  [
    "an unknown host",
    () => changed({ host: "nowhere.invalid" }),
    /The host nowhere\.invalid of DATABASE_URL/,
  ],
  ["TLS that is not offered", () => changed({ search: "?sslmode=require" }), /offers no TLS, which sslmode/],
])("%s is explained in one sentence, without the password", async (_what, url, sentence) => {
  const failure: unknown = await requirePostgres(url()).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: "StackError", message: expect.stringMatching(sentence) as string });
  const { message } = failure as Error;
  expect(message).not.toContain("\n");
  expect(message).not.toContain("wrong-password");
});

test("a port without a listener is named", async () => {
  const [port] = await findFreePorts(1);
  await expect(requirePostgres(`postgres://me:secret@127.0.0.1:${port}/db`)).rejects.toThrow(
    `No Postgres answers at 127.0.0.1:${port}: start it`,
  );
});

test("a server that is no Postgres is explained", async () => {
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await expect(requirePostgres(`postgres://me:secret@127.0.0.1:${port}/db`)).rejects.toThrow(
    `Postgres at 127.0.0.1:${port} cannot be used`,
  );
});

test("the missing permission of a user who may not create tables is named", async () => {
  await admin.query("DROP DATABASE IF EXISTS start_rights");
  await admin.query("CREATE DATABASE start_rights TEMPLATE template0");
  await admin.query("CREATE ROLE start_guest LOGIN PASSWORD 'guest-of-the-test'");
  onTestFinished(async () => {
    await admin.query("DROP DATABASE start_rights");
    await admin.query("DROP ROLE start_guest");
  });
  const url = withDatabase(
    changed({ username: "start_guest", password: "guest-of-the-test" }),
    "start_rights",
  );
  await expect(requirePostgres(url)).rejects.toThrow(
    "The user start_guest may not create tables in the database start_rights at",
  );
});

const GOOD: ServerFacts = {
  version: "18.4",
  version_number: 180_004,
  encoding: "UTF8",
  is_standby: false,
  may_create: true,
};

test.each<[string, Partial<ServerFacts>, RegExp]>([
  [
    "too old",
    { version: "14.11", version_number: 140_011 },
    /is version 14\.11, and Syncline needs 15 or newer/,
  ],
  ["a standby", { is_standby: true }, /is a standby/],
  ["of another encoding", { encoding: "SQL_ASCII" }, /is encoded in SQL_ASCII/],
])("a server that is %s is explained in one sentence", (_what, facts, sentence) => {
  expect(findObstacle("postgres://me@db.example/app", { ...GOOD, ...facts })).toMatch(sentence);
  expect(findObstacle("postgres://me@db.example/app", GOOD)).toBeUndefined();
});
