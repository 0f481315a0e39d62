import type pg from "pg";
import { corkWrites } from "./cork-writes.ts";
import { toSynclineError } from "./sql-error.ts";

/** A statement with its values. A named statement is prepared once on each connection. */
export interface Call {
  name?: string;
  text: string;
  values?: unknown[];
}

/**
 * Runs a transaction whose statements are all sent at once. It takes one round trip, holds no lock over a second one,
 * and if this process dies, Postgres still ends it. Returns the rows of its last statement.
 * @throws the first failure; failures that follow from it are left out
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
        // After a failure Postgres treats COMMIT as ROLLBACK.
        client.query("COMMIT"),
      ]),
    );
    isClean = answers.at(-1)?.status === "fulfilled";
    const failed = answers.find((answer) => answer.status === "rejected");
    if (failed !== undefined) throw toSynclineError(failed.reason);
    const last = answers.at(-2);
    return last?.status === "fulfilled" ? (last.value.rows as R[]) : [];
  } finally {
    // A connection that could not end its transaction must not be reused.
    client.release(!isClean);
  }
}
