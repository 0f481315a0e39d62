import { corkWrites, toSynclineError, type Pool, type PoolClient } from "@syncline/store";

/** A row with the column names of the SQL files. */
export type Row = Record<string, unknown>;

/** A statement with its values. */
export type Call = [sql: { text: string; name?: string }, values?: unknown[]];

/**
 * The most characters of one JSON parameter with several rows, and about the most that are sent before they are
 * answered.
 */
export const PARAMETER_CHARS_MAX = 8 * 1024 * 1024;

/**
 * Sends statements over one connection without waiting for each answer, and then waits for all. Large statements
 * are sent in portions, because sent data stays in memory until Postgres has answered.
 * @throws the first failure; failures that only follow from it are dropped
 */
export async function sendPipelined(pool: Pool, calls: Iterable<Call>): Promise<Row[][]> {
  let client: PoolClient;
  try {
    client = await pool.connect();
  } catch (error) {
    throw toSynclineError(error);
  }
  let isSound = false;
  try {
    const left = calls[Symbol.iterator]();
    const rows: Row[][] = [];
    for (;;) {
      const answers = await Promise.allSettled(corkWrites(client, () => sendSome(client, left)));
      if (answers.length === 0) {
        isSound = true;
        return rows;
      }
      const failed = answers.find((answer) => answer.status === "rejected");
      if (failed !== undefined) {
        const error = toSynclineError(failed.reason);
        // The statement that ends the transaction succeeds after a failure, too, if it was sent by then. After a
        // deployment fault the connection's prepared statements may belong to another schema.
        isSound = answers.at(-1)?.status === "fulfilled" && error.disposition !== "deployment";
        throw error;
      }
      rows.push(...answers.map((answer) => (answer.status === "fulfilled" ? answer.value : [])));
    }
  } finally {
    // A connection that may still have an open transaction must not be reused.
    client.release(!isSound);
  }
}

/** Sends as many statements as may be in memory at once, nearly always all. */
function sendSome(client: PoolClient, left: Iterator<Call>): Promise<Row[]>[] {
  const sent: Promise<Row[]>[] = [];
  let chars = 0;
  while (chars < PARAMETER_CHARS_MAX) {
    const next = left.next();
    if (next.done) break;
    const [sql, values = []] = next.value;
    for (const value of values) if (typeof value === "string") chars += value.length;
    sent.push(client.query<Row>({ ...sql, values }).then(({ rows }) => rows));
  }
  return sent;
}
