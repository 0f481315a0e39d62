import type { BatchResult } from "@syncline/shared/protocol";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";

let system: System;
let client: Client;
beforeAll(async () => {
  system = await startSystem();
  client = await createClient(system);
});
afterAll(() => system.stop());

const readiness = async () => {
  const response = await fetch(`${system.syncline.workerUrls[0]}/readyz`);
  const { checks } = (await response.json()) as { checks: Record<string, string> };
  return { status: response.status, deployment: checks["deployment"] };
};

it.each([
  [
    "a missing column",
    "42703",
    "ALTER TABLE operations RENAME COLUMN rounds TO other",
    "ALTER TABLE operations RENAME COLUMN other TO rounds",
  ],
  [
    "a missing right",
    "42501",
    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE insufficient_privilege; END $$; CREATE TRIGGER refuse BEFORE INSERT ON changes EXECUTE FUNCTION refuse()",
    "DROP FUNCTION refuse CASCADE",
  ],
])(
  "%s stops the drains, is reported by /readyz, refuses no request, and the drains resume once it is back",
  async (name, sqlState, harm, repair) => {
    await system.pool.query(harm);
    let location: string;
    try {
      const { status, headers } = await client.post(
        {
          device_id: "d",
          operations: [{ operation: "put", client_id: name, document_id: "note", data: { name } }],
        },
        { prefer: "respond-async" },
      );
      expect(status).toBe(202);
      location = headers.get("location") ?? "";
      await eventually(async () => {
        expect(await readiness()).toEqual({
          status: 503,
          deployment: expect.stringMatching(new RegExp(`do not fit this version .SQLSTATE ${sqlState}.`)),
        });
      });
      expect((await client.getAbsolute<BatchResult>(location)).body.status).toBe("pending");
      expect(await system.lanes.listDeferred([...Array(16).keys()])).toEqual([]);
    } finally {
      await system.pool.query(repair);
    }
    await eventually(async () => {
      expect((await client.getAbsolute<BatchResult>(location)).body.status).toBe("completed");
    });
    await eventually(async () => expect(await readiness()).toEqual({ status: 200, deployment: "ok" }));
  },
);
