import type {
  Change,
  CommitOptions,
  Expected,
  Key,
  KeyRange,
  Row,
  Storage,
  StoreName,
} from "../../ports/index.ts";
import { SynclineClientError } from "../../public/errors.ts";
import { Connection } from "./connection.ts";
import type { SqliteDriver } from "./driver.ts";
import { encodeKey, encodeRange } from "./encode-key.ts";
import { fileNameOf } from "./file-name.ts";
import {
  createTables,
  DELETED,
  isChanged,
  openDatabaseRow,
  readDatabaseRow,
  ROWS_A_STATEMENT,
  selectRange,
  selectRows,
  setLayout,
  writeChanges,
} from "./tables.ts";

/**
 * Keeps the client's rows in SQLite. Several connections and processes may use one database.
 *
 * @param driver - the connection to SQLite, for this storage alone
 */
export function sqliteStorage(driver: SqliteDriver): Storage {
  return new SqliteStorage(new Connection(driver));
}

class SqliteStorage implements Storage {
  readonly #db: Connection;
  /** The layout that this version of the app knows; `undefined` while there is no connection. */
  #layout: number | undefined;
  #name: string | undefined;
  #closedBecause = "call open() first";
  #synchronous: "FULL" | "NORMAL" | undefined;

  constructor(db: Connection) {
    this.#db = db;
  }

  open(name: string, layout: number): Promise<void> {
    return this.#db.inTurn(async () => {
      await this.#disconnect("it was opened anew");
      this.#name = name;
      if ((await this.#connect(name, layout)) !== DELETED) return;
      // A process died while it deleted this database.
      await this.#db.driver.delete(fileNameOf(name));
      await this.#connect(name, layout);
    });
  }

  get(store: StoreName, keys: readonly Key[]): Promise<(Row | undefined)[]> {
    return this.#whileOpen(async () => {
      if (keys.length === 0) return [];
      const read = () => selectRows(this.#db, store, keys.map(encodeKey));
      // One statement sees one state of the database; several need a transaction for that.
      const oneStatement = keys.length <= ROWS_A_STATEMENT;
      const { layout, rows } = await (oneStatement ? read() : this.#db.transaction("DEFERRED", read));
      await this.#checkLayout(layout);
      return rows;
    });
  }

  range(
    store: StoreName,
    range: KeyRange,
    { limit = -1, reverse = false }: { limit?: number; reverse?: boolean } = {},
  ): Promise<Row[]> {
    return this.#whileOpen(async () => {
      if (limit === 0) return [];
      const { layout, rows } = await selectRange(this.#db, store, encodeRange(range), { limit, reverse });
      await this.#checkLayout(layout);
      return rows;
    });
  }

  commit(
    changes: readonly Change[],
    expect: readonly Expected[],
    { durability = "strict" }: CommitOptions = {},
  ): Promise<"committed" | "changed"> {
    return this.#whileOpen(async () => {
      await this.#setSynchronous(durability === "strict" ? "FULL" : "NORMAL");
      return this.#db.transaction("IMMEDIATE", async () => {
        const { layout, lastRevision } = await readDatabaseRow(this.#db);
        await this.#checkLayout(layout);
        if (await isChanged(this.#db, expect)) return "changed";
        await writeChanges(this.#db, changes, lastRevision + 1);
        return "committed";
      });
    });
  }

  estimate(): Promise<{ usage: number }> {
    return this.#whileOpen(async () => {
      const [row] = await this.#db.query(
        "SELECT page_count * page_size AS usage FROM pragma_page_count, pragma_page_size",
      );
      return { usage: row?.usage as number };
    });
  }

  close(): Promise<void> {
    return this.#db.inTurn(() => this.#disconnect("close() was called"));
  }

  destroy(): Promise<void> {
    return this.#db.inTurn(async () => {
      await this.#disconnect("destroy() was called");
      const name = this.#name;
      if (name === undefined) return;
      // Other connections may have the file open, also when its name is gone: the mark stops them.
      await this.#openFile(name, () => setLayout(this.#db, DELETED));
      await this.#db.driver.close();
      await this.#db.driver.delete(fileNameOf(name));
    });
  }

  #whileOpen<T>(work: () => Promise<T>): Promise<T> {
    return this.#db.inTurn(async () => {
      if (this.#layout === undefined) throw this.#closedError();
      return work();
    });
  }

  /** Opens the database and raises its layout. Returns the layout that it had. */
  async #connect(name: string, layout: number): Promise<number> {
    const found = await this.#openFile(
      name,
      async (found) => {
        if (found > layout) throw tooNew(found, layout);
        if (found === DELETED) return;
        await createTables(this.#db);
        await setLayout(this.#db, layout);
      },
      layout,
    );
    if (found === DELETED) await this.#db.driver.close();
    else this.#layout = layout;
    return found;
  }

  /** Opens the file, and runs work in its first transaction. The file is closed again if the work throws. */
  async #openFile(name: string, work: (found: number) => Promise<void>, layout = 0): Promise<number> {
    await this.#db.driver.open(fileNameOf(name));
    try {
      await this.#db.whileBusy(() => this.#db.query("PRAGMA journal_mode = WAL"));
      return await this.#db.transaction("IMMEDIATE", async () => {
        const { layout: found } = await openDatabaseRow(this.#db, name, layout);
        await work(found);
        return found;
      });
    } catch (error) {
      await this.#db.driver.close();
      throw error;
    }
  }

  async #setSynchronous(mode: "FULL" | "NORMAL"): Promise<void> {
    if (this.#synchronous === mode) return;
    await this.#db.query(`PRAGMA synchronous = ${mode}`);
    this.#synchronous = mode;
  }

  /** Rejects if another connection has upgraded or deleted the database. */
  async #checkLayout(found: number): Promise<void> {
    if (found === this.#layout) return;
    if (found !== DELETED) throw tooNew(found, this.#layout);
    await this.#disconnect("the database was deleted");
    throw this.#closedError();
  }

  async #disconnect(reason: string): Promise<void> {
    this.#closedBecause = reason;
    if (this.#layout === undefined) return;
    this.#layout = undefined;
    this.#synchronous = undefined;
    await this.#db.driver.close();
  }

  #closedError(): SynclineClientError {
    return new SynclineClientError("storageClosed", `The storage is closed: ${this.#closedBecause}`);
  }
}

function tooNew(found: number, known: number | undefined): SynclineClientError {
  return new SynclineClientError(
    "storageTooNew",
    `The database has layout ${found}, the app knows ${known}: load the newest version of the app`,
  );
}
