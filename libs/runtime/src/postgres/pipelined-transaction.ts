import type pg from "pg";
import { corkWrites } from "./cork-writes.ts";
import { toSynclineError } from "./sql-error.ts";

/** A statement with its values; one that has a name is prepared once a connection. */
export interface Call {
  name?: string;
  text: string;
  values?: unknown[];
}

/**
 * Runs a transaction whose statements are all sent at once: one round trip, no lock is held over another, and one that
 * this process does not live to see is ended by Postgres. Returns the rows of its last statement.
 * @throws the first failure; what failed only because of it is left out
 */
export async function pipelinedTransaction<R extends object>(
  pool: pg.Pool,
  calls: readonly Call[],
): Promise<R[]> {
  const client = await pool.connect().catch((error: unknown) => {
    throw toSynclineError(error);
  });
  let isClean = false;
  try {
    const answers = await Promise.allSettled(
      corkWrites(client, () => [
        client.query("BEGIN"),
        ...calls.map((call) => client.query<R>(call)),
        // After a failure Postgres takes COMMIT for ROLLBACK.
        client.query("COMMIT"),
      ]),
    );
    isClean = answers.at(-1)?.status === "fulfilled";
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed !== undefined) throw toSynclineError(failed.reason);
    const last = answers.at(-2);
    return last?.status === "fulfilled" ? (last.value.rows as R[]) : [];
  } finally {
    // A connection that does not even take the end of a transaction is of no use to the next.
    client.release(!isClean);
  }
}
