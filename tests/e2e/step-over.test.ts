import type { BatchResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { holdWorkspace } from "../support/hold-workspace.ts";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

/** More than the number of lanes, so that some lanes have both. */
const HELD = 14;
const FREE = 10;

let system: System;
let clients: Client[];
beforeAll(async () => {
  system = await startSystem({ workers: 2 });
  clients = [];
  for (let n = 0; n < HELD + FREE; n++) clients.push(await createClient(system));
  // A workspace's row exists from its first commit on.
  await Promise.all(
    clients.map((client) =>
      client.post({
        device_id: "d",
        operations: [{ operation: "create", client_id: "first", document_id: "list", data: { list: [] } }],
      }),
    ),
  );
});
afterAll(() => system.stop());

const append = (client: Client, value: number) =>
  client.post(
    {
      device_id: "d",
      operations: [
        {
          operation: "update",
          client_id: `append ${value}`,
          document_id: "list",
          patch: [{ op: "add", path: "/list/-", value }],
        },
      ],
    },
    { prefer: "respond-async" },
  );
const statusOf = async (client: Client, location: string | null) =>
  (await client.getAbsolute<BatchResult>(location ?? "")).body.status;
const listOf = async (client: Client) =>
  (await client.get<{ data: { list: number[] } }>("/documents/documents/list")).body.data.list;

it("commits a lane's workspaces whose rows are free, and the others in order once their locks end", async () => {
  const [held, free] = [clients.slice(0, HELD), clients.slice(HELD)];
  const release = await holdWorkspace(system, ...held.map(({ workspaceId }) => workspaceId));
  const rounds = [0, 1, 2, 3];
  const locations: string[] = [];
  try {
    for (const round of rounds) {
      const answers = await Promise.all([...held, ...free].map((client) => append(client, round)));
      for (const [index, { headers }] of answers.entries()) {
        if (index < HELD) locations.push(headers.get("location") ?? "");
      }
      // All free ones, on any lane, while the others are still locked.
      for (const client of free) {
        await eventually(
          async () => expect(await listOf(client)).toEqual(rounds.slice(0, round + 1)),
          60_000,
        );
      }
    }
    const statuses = await Promise.all(
      locations.map((location, index) => statusOf(held[index % HELD] as Client, location)),
    );
    expect(new Set(statuses)).toEqual(new Set(["pending"]));
  } finally {
    await release();
  }
  for (const client of held) {
    await eventually(async () => expect(await listOf(client)).toEqual(rounds));
  }
  // Each returns to its lane.
  await eventually(
    async () => expect(await system.lanes.listDeferred([...Array(16).keys()])).toEqual([]),
    60_000,
  );
  expect(await system.entriesOnLanes()).toBe(0);
});

it("defers a workspace for a fault of its own, and applies its operations once the fault is gone", async () => {
  const [faulty, other] = clients as [Client, Client];
  await system.pool.query(`
    CREATE FUNCTION fail_for_one() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.workspace_id = '${faulty.workspaceId}' THEN RAISE EXCEPTION 'broken' USING ERRCODE = 'XX000'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER fail_for_one BEFORE INSERT ON changes FOR EACH ROW EXECUTE FUNCTION fail_for_one()`);
  await append(faulty, 4);
  await append(faulty, 5);
  await append(other, 4);
  await eventually(async () => expect(await listOf(other)).toEqual([0, 1, 2, 3, 4]));
  await eventually(
    async () =>
      expect(
        (await system.lanes.listDeferred([...Array(16).keys()])).map(({ workspaceId }) => workspaceId),
      ).toEqual([faulty.workspaceId]),
    60_000,
  );
  await system.pool.query("DROP FUNCTION fail_for_one CASCADE");
  await eventually(async () => expect(await listOf(faulty)).toEqual([0, 1, 2, 3, 4, 5]));
});
