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

/** Nothing that we ask takes longer. */
const STATEMENT_MS_MAX = 20_000;

/**
 * Opens a pool whose clients pipeline: statements sent without waiting for each other share a round trip.
 *
 * @param onError - told of connections that break; the pool replaces them
 */
export function openPool(options: {
  databaseUrl: string;
  connectionsMax: number;
  applicationName: string;
  /** How long a statement waits for a row that another transaction holds; 3 s if not given. */
  lockMsMax?: number;
  onError: (error: Error) => void;
}): pg.Pool {
  const config: pg.PoolConfig & { pipeline: boolean } = {
    connectionString: options.databaseUrl,
    max: options.connectionsMax,
    application_name: options.applicationName,
    connectionTimeoutMillis: 5_000,
    // A transaction that hangs must not hold its locks for ever.
    idle_in_transaction_session_timeout: 30_000,
    statement_timeout: STATEMENT_MS_MAX,
    // A row that somebody does not let go of: better to come again than to hold up what goes together with it.
    lock_timeout: options.lockMsMax ?? 3_000,
    // Should Postgres not be there to end it: a connection may be dead without a word. It is replaced then.
    query_timeout: STATEMENT_MS_MAX + 5_000,
    keepAlive: true,
    // Each statement finds its rows by an index. One that was prepared while a table was new and empty would keep to
    // reading it whole, and a guess at what that costs would have Postgres compile it.
    options: "-c enable_seqscan=off -c jit=off",
    types,
    pipeline: true,
  };
  const pool = new pg.Pool(config);
  pool.on("error", options.onError);
  // The pool itself listens to idle ones: one that breaks in mid-transaction would end the process.
  pool.on("connect", (client) => client.on("error", options.onError));
  return pool;
}
