import { keysOf } from "@syncline/lanes";
import { afterAll, beforeAll, expect, it } from "vitest";
import { holdWorkspace } from "../support/hold-workspace.ts";
import { createClient, eventually, startSystem, type System } from "../support/system.ts";

const DRAIN_EVENTS = `${keysOf("{syncline}").queuePrefix}:drain:events`;

let system: System;
beforeAll(async () => {
  system = await startSystem({ workers: 1, env: { RETENTION_INTERVAL_MS: "300" } });
});
afterAll(() => system.stop());

it("a worker that stops takes no further lane while its retention waits for a lock", async () => {
  const [held, other] = [await createClient(system), await createClient(system)];
  const put = (n: number) => ({
    operations: [{ operation: "put", client_id: `c${n}`, document_id: "doc", data: { n } }],
  });
  for (const n of [1, 2]) await held.post(put(n));
  const [worker] = system.syncline.workers;
  const release = await holdWorkspace(system, held.workspaceId);
  try {
    await system.pool.query(
      "UPDATE changes SET committed_at = committed_at - interval '300 days' WHERE workspace_id = $1",
      [held.workspaceId],
    );
    await eventually(async () => {
      const waiting = await system.pool.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      );
      expect(waiting.rowCount).toBe(1);
    });
    void worker?.kill("SIGTERM");
    await eventually(async () => expect(system.syncline.logs()).toContain('"stopping"'));
    await system.redis.del(DRAIN_EVENTS);
    for (let n = 1; n <= 50; n++) {
      expect((await other.post(put(n), { prefer: "respond-async" })).status).toBe(202);
    }
  } finally {
    await release();
  }
  expect(await worker?.ended).toBe("exit code 0");
  const events = await system.redis.xrange(DRAIN_EVENTS, "-", "+");
  // One may already have been assigned to it.
  expect(events.filter(([, fields]) => fields.includes("active")).length).toBeLessThanOrEqual(1);

  await worker?.start();
  await eventually(async () => expect(await system.entriesOnLanes()).toBe(0));
});
