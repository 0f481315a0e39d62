import pg from "pg";

export type { Pool, PoolClient } from "pg";

const INT8_OID = 20;

/** Versions, seqs and counts stay far below 2^53, so they are read as numbers. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (oid === INT8_OID && format !== "binary") return Number;
    return pg.types.getTypeParser(oid, format);
  },
};

/** The time limit of a statement. */
const STATEMENT_MS_MAX = 20_000;

/**
 * Opens a pool whose clients pipeline: statements sent without waiting for each other share a round trip.
 *
 * @param onError - called for connections that break; the pool replaces them
 */
export function openPool(options: {
  databaseUrl: string;
  connectionsMax: number;
  applicationName: string;
  /** The time that a statement waits for a locked row, 3 s by default. */
  lockMsMax?: number;
  onError: (error: Error) => void;
}): pg.Pool {
  const config: pg.PoolConfig & { pipeline: boolean } = {
    connectionString: options.databaseUrl,
    max: options.connectionsMax,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    // A stuck transaction must not hold its locks indefinitely.
    idle_in_transaction_session_timeout: 30_000,
    statement_timeout: STATEMENT_MS_MAX,
    // Fails soon on a locked row: a retry is better than delaying the rest of the transaction.
    lock_timeout: options.lockMsMax ?? 3_000,
    // For a dead connection, on which Postgres cannot report its own timeout. The pool replaces the connection then.
    query_timeout: STATEMENT_MS_MAX + 5_000,
    keepAlive: true,
    // Each statement finds its rows by an index. A statement that was prepared on an empty table would keep its
    // sequential scan, and the estimated cost of that scan would trigger JIT compilation.
    options: "-c enable_seqscan=off -c jit=off",
    types,
    pipeline: true,
  };
  const pool = new pg.Pool(config);
  pool.on("error", options.onError);
  // The pool handles errors of idle connections only; an error during a transaction would end the process.
  pool.on("connect", (client) => client.on("error", options.onError));
  return pool;
}
