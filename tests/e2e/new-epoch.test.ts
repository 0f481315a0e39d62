import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

let system: System;
/** One for each ingest, of one workspace. */
let clients: [Client, Client];
beforeAll(async () => {
  system = await startSystem({ ingests: 2 });
  const first = await createClient(system);
  const ingestUrl = system.syncline.ingestUrls[1] ?? "";
  clients = [first, await createClient(system, { workspaceId: first.workspaceId, ingestUrl })];
});
afterAll(() => system.stop());

const services = () => [...system.syncline.ingests, system.syncline.conflict, ...system.syncline.workers];
const startAgain = () => Promise.all(services().map((service) => service.start()));
async function epochOf(client: Client): Promise<string> {
  return (await client.get<{ epoch: string }>("/changes")).body.epoch;
}
/** The exit of each service. */
const ends = () => Promise.all(services().map(({ ended }) => ended));
const END_OF_ALL = ["exit code 1", "exit code 1", "exit code 1", "exit code 1"];

it("that is stored while services run ends all of them, and they accept it once they are restarted", async () => {
  const before = await epochOf(clients[0]);
  // The effect of `npm run restored`.
  await system.pool.query("UPDATE settings SET value = gen_random_uuid()::text WHERE name = 'epoch'");
  expect(await ends()).toEqual(END_OF_ALL);
  const reasons = system.syncline.logs().match(/the database's epoch has changed/g);
  expect(reasons?.length).toBeGreaterThanOrEqual(4);
  await startAgain();
  const after = await epochOf(clients[0]);
  expect(after).not.toBe(before);
  for (const client of clients) {
    expect((await client.get(`/changes?epoch=${before}`)).status).toBe(410);
    expect((await client.get(`/changes?epoch=${after}`)).status).toBe(200);
  }
});

it("comes with another server, which gets no commit of the old one", async () => {
  const [client] = clients;
  const before = await epochOf(client);
  const server = await system.pool.connect();
  try {
    // The worker's transaction while its server goes away.
    await server.query("BEGIN");
    await server.query("LOCK TABLE documents IN EXCLUSIVE MODE");
    const operations = [{ operation: "create", client_id: "last", document_id: "last", data: {} }];
    const answer = await client.post({ operations }, { prefer: "respond-async" });
    expect(answer.status).toBe(202);
    // A standby takes its place, and all connections break.
    await system.pool.query(
      "CREATE OR REPLACE FUNCTION server_history() RETURNS text LANGUAGE sql AS $$ SELECT '7000000000000000000/2' $$",
    );
    await system.pool.query(
      "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'syncline-worker'",
    );
    await server.query("ROLLBACK");
  } finally {
    server.release();
  }
  expect(await ends()).toEqual(END_OF_ALL);
  expect(await system.entriesOnLanes()).toBe(1);
  const { rowCount } = await system.pool.query("SELECT FROM documents WHERE document_id = 'last'");
  expect(rowCount).toBe(0);

  await startAgain();
  await eventually(async () => expect((await client.get("/documents/documents/last")).status).toBe(200));
  const epochs = await Promise.all(clients.map(epochOf));
  expect(new Set(epochs).size).toBe(1);
  expect(epochs).not.toContain(before);
});
