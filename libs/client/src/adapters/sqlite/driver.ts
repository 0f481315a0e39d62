/** Bytes may come back as `ArrayBuffer`, and as subclasses of `Uint8Array`. */
export type SqliteValue = string | number | Uint8Array | ArrayBuffer | null;
export type SqliteRow = Readonly<Record<string, SqliteValue>>;

type Awaitable<T> = T | Promise<T>;

/**
 * One connection to a SQLite file. Methods may return values or promises. `sqliteStorage` calls one at a time, and
 * keeps transactions together, so a driver needs no queue of its own.
 */
export interface SqliteDriver {
  /** Opens the file of that name in the app's folder, or creates it. The name has only the characters `a-z0-9.-`. */
  open(file: string): Awaitable<void>;
  /**
   * Runs one statement and returns its rows, keyed by column name. A driver without a parameter binding for
   * `Uint8Array` converts it. Errors keep SQLite's own message ("database is locked").
   */
  query(
    sql: string,
    parameters: readonly (string | number | Uint8Array | null)[],
  ): Awaitable<readonly SqliteRow[]>;
  close(): Awaitable<void>;
  /** Deletes the closed file, and the files `-wal` and `-shm` beside it. A missing file is no error. */
  delete(file: string): Awaitable<void>;
}
