import { Redis } from "ioredis";
import { Client } from "pg";
import { expect, onTestFinished, test } from "vitest";
import { createTestDatabase } from "./test-database.ts";
import { createTestRedisUrl } from "./test-redis.ts";

async function connectDatabase(databaseUrl: string): Promise<Client> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  return client;
}

test("test databases are isolated, and are dropped once no client is connected", async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  const clients = await Promise.all([one, two].map(({ databaseUrl }) => connectDatabase(databaseUrl)));
  const [ofOne, ofTwo] = clients;
  await ofOne?.query("CREATE TABLE only_here (n int)");
  const found = await ofTwo?.query("SELECT to_regclass('only_here') AS found");
  expect(found?.rows).toEqual([{ found: null }]);
  await Promise.all(clients.map((client) => client.end()));
  await Promise.all([one.drop(), two.drop()]);
  await expect(connectDatabase(one.databaseUrl)).rejects.toThrow("does not exist");
});

test("logical Redis databases of tests are empty and distinct", async () => {
  const urls = await Promise.all([createTestRedisUrl(), createTestRedisUrl()]);
  const clients = urls.map((url) => new Redis(url));
  onTestFinished(() => clients.forEach((client) => client.disconnect()));
  const [one, two] = clients;
  await one?.set("key", "value");
  expect(await two?.dbsize()).toBe(0);
});

test("Redis is configured so that nothing acknowledged is lost", async () => {
  const redis = new Redis(await createTestRedisUrl());
  onTestFinished(() => redis.disconnect());
  const ask = async (name: string) => (await redis.config("GET", name))[1];
  expect(await Promise.all(["appendonly", "appendfsync", "maxmemory-policy", "save"].map(ask))).toEqual([
    "yes",
    "always",
    "noeviction",
    "",
  ]);
});
