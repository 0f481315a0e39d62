import type { SqliteDriver, SqliteRow } from "./driver.ts";
import { explainError, isBusy } from "./errors.ts";

export type Parameter = string | number | Uint8Array | null;

/** The longest wait for another process's transaction. */
const BUSY_WAIT_MS = 10_000;

/** A driver with turns and transactions: a connection of SQLite has one transaction at a time. */
export class Connection {
  readonly driver: SqliteDriver;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(driver: SqliteDriver) {
    this.driver = driver;
  }

  /** Runs work after all earlier work. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work).catch((error: unknown) => {
      throw explainError(error);
    });
    this.#queue = turn.catch(() => undefined); // The caller of the turn gets the error.
    return turn;
  }

  async query(sql: string, parameters: readonly Parameter[] = []): Promise<readonly SqliteRow[]> {
    return this.driver.query(sql, parameters);
  }

  /** Makes the work's statements one transaction, which is rolled back if the work throws. */
  async transaction<T>(kind: "DEFERRED" | "IMMEDIATE", work: () => Promise<T>): Promise<T> {
    await this.whileBusy(() => this.query(`BEGIN ${kind}`));
    try {
      const result = await work();
      await this.query("COMMIT");
      return result;
    } catch (error) {
      // Some errors have ended the transaction: then there is none to roll back, and the first error is the one to report.
      await this.query("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }

  /**
   * Repeats work while another connection has the lock. SQLite's own wait would block the thread, which may be the one
   * that has to release the lock.
   */
  async whileBusy<T>(work: () => Promise<T>): Promise<T> {
    for (let waitedMs = 0, waitMs = 1; ; waitedMs += waitMs, waitMs = Math.min(2 * waitMs, 50)) {
      try {
        return await work();
      } catch (error) {
        if (!isBusy(error) || waitedMs >= BUSY_WAIT_MS) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random())));
    }
  }
}
