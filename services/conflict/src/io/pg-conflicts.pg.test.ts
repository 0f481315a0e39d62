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
