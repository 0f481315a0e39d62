import type { Duplex } from "node:stream";
import type pg from "pg";

/** Sends all statements that `send` asks for in one write; each would else be a system call of its own. */
export function corkWrites<T>(client: pg.PoolClient, send: () => T): T {
  // Not part of the driver's types. It is what the driver itself does for the messages of one statement.
  const { stream } = (client as unknown as { connection: { stream: Duplex } }).connection;
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}
