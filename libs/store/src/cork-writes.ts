import type { Duplex } from "node:stream";
import type pg from "pg";

/** Sends all statements of `send` in one write. Otherwise each statement is a system call. */
export function corkWrites<T>(client: pg.PoolClient, send: () => T): T {
  // Not in the driver's types. The driver does the same for the messages of one statement.
  const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}
