import { setTimeout as delay } from "node:timers/promises";
import { onDatabase } from "./on-database.ts";

interface Applied {
  readonly operations: number;
  readonly changes: number;
}

/**
 * Checks that every answered operation is in the ledger as a success, and that the number of changes is right.
 *
 * @param withinMs - the time limit; 0 if the answer was 200
 */
export async function verifyApplied(databaseUrl: string, expected: Applied, withinMs = 0): Promise<void> {
  await onDatabase(databaseUrl, async (client) => {
    const deadlineMs = Date.now() + withinMs;
    for (;;) {
      const { rows } = await client.query<Applied & { successes: number }>(
        `SELECT count(*)::int AS operations, (count(*) FILTER (WHERE status = 'success'))::int AS successes,
           (SELECT count(*) FROM changes WHERE device_id LIKE 'device%')::int AS changes
         FROM operations
         WHERE device_id LIKE 'device%'`,
      );
      const [found] = rows;
      const isThere =
        found?.operations === expected.operations &&
        found.successes === expected.operations &&
        found.changes === expected.changes;
      if (isThere) return;
      if (Date.now() >= deadlineMs) {
        throw new Error(`expected ${JSON.stringify(expected)}, the tables hold ${JSON.stringify(found)}`);
      }
      await delay(100);
    }
  });
}
