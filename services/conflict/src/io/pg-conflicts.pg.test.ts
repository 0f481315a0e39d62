import { createQuery, inWorkspaces, openPool } from "@syncline/store";
import { createTestDatabase, type TestDatabase } from "@syncline/stack";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createPgConflicts, type PgConflicts } from "./pg-conflicts.ts";

let database: TestDatabase;
let pool: ReturnType<typeof openPool>;
let conflicts: PgConflicts;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({
    databaseUrl: database.databaseUrl,
    connectionsMax: 1,
    applicationName: "test",
    onError: (error) => {
      throw error;
    },
  });
  conflicts = createPgConflicts(createQuery(pool));
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Inserts an open conflict whose round was requested `ageMs` ago. */
async function insertOpen(round: number, ageMs: number): Promise<string> {
  const conflictId = randomUUID();
  await pool.query(
    `INSERT INTO conflicts (workspace_id, conflict_id, collection, document_id, device_id, device_declared, status, strategy,
       round, current_version, operation_count, operation_bytes, revision, trace, opened_at, updated_at, round_at)
     VALUES ('w', $1, 'notes', $2, 'd', true, 'open', 'merge', $3, 1, 0, 0, 1, '{}', now(), now(),
       now() - $4 * interval '1 millisecond')`,
    [conflictId, conflictId, round, ageMs],
  );
  return conflictId;
}

it("lists no conflict as stalled whose round may still be waiting for its backoff", async () => {
  const [first, third] = [await insertOpen(1, 10_000), await insertOpen(3, 10_000)];
  const quiet = async (backoffMsMin: number, backoffMsMax: number, stalledMs = 1_000) => {
    const { jobs } = await inWorkspaces([], () =>
      conflicts.listStalled({ stalledMs, backoff: { backoffMsMin, backoffMsMax } }, { limit: 10 }),
    );
    return new Set(jobs.map(({ conflictId }) => conflictId));
  };
  // The third round waits for twice the base, at most the cap; then it must be without an event for a second.
  expect(await quiet(4_000, 300_000)).toEqual(new Set([first, third]));
  expect(await quiet(5_000, 300_000)).toEqual(new Set([first]));
  expect(await quiet(5_000, 8_000)).toEqual(new Set([first, third]));
  expect(await quiet(4_000, 300_000, 11_000)).toEqual(new Set());
});

it("reads a device's last change for a run that rises to a document which only the device knows", async () => {
  const conflictId = randomUUID();
  await pool.query(
    `INSERT INTO changes (workspace_id, seq, collection, document_id, first_version, version, deleted, data, device_id,
       committed_at, revision)
     VALUES ('w', 1, 'notes', 'n', 1, 2, false, '{"x": 2}', 'd', now(), 1), ('w', 2, 'notes', 'n', 3, 3, false, '{"x": 3}', 'e', now(), 1)`,
  );
  await pool.query(
    `INSERT INTO conflicts (workspace_id, conflict_id, collection, document_id, device_id, device_declared, status, strategy,
       round, current_version, operation_count, operation_bytes, device_view, revision, trace, opened_at, updated_at)
     VALUES ('w', $1, 'notes', 'n', 'd', true, 'open', 'merge', 1, 3, 2, 0, '{"x": 2}', 1, '{}', now(), now())`,
    [conflictId],
  );
  await pool.query(
    `INSERT INTO held_operations (workspace_id, conflict_id, place, client_id, batch_id, operation)
     VALUES ('w', $1, 0, '1', $1, '{"kind": "delete"}'),
       ('w', $1, 1, '2', $1, '{"kind": "put", "data": {"x": 9}, "expectedVersion": 1001, "versionUnknown": true, "ancestor": {}}')`,
    [conflictId],
  );
  const found = await inWorkspaces(["w"], () => conflicts.readCase("w", conflictId));
  expect(found?.history).toMatchObject({ changes: [], lastOwnVersion: 2 });
});
