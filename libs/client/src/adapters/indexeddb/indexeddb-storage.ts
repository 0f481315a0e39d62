/// <reference lib="dom" />
import { deleteDB, type IDBPDatabase, openDB } from "idb";
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
import type { SynclineClientError } from "../../public/errors.ts";
import { STORE_NAMES } from "../store-names.ts";
import { commitOnce, createRevision, ignore } from "./commit.ts";
import { closed, explainError, isConnectionLost, tooNew } from "./errors.ts";
import { boundsOf, storedKey } from "./ranges.ts";

export interface IndexedDbOptions {
  /**
   * Called when another tab has loaded a newer version of the app, which upgrades the database. This page can no
   * longer use it: show that the page must be reloaded.
   */
  readonly onOutdated?: () => void;
}

/** Keeps the client's rows in IndexedDB. All tabs of a site may use one database. */
export function indexedDbStorage(options: IndexedDbOptions = {}): Storage {
  return new IndexedDbStorage(options);
}

class IndexedDbStorage implements Storage {
  readonly #options: IndexedDbOptions;
  #name: string | undefined;
  #layout = 0;
  /** The connection, or its opening; `undefined` if the browser has ended it. */
  #connection: Promise<IDBPDatabase> | undefined;
  /** The reason why there is no connection, and must be none. */
  #refusal: SynclineClientError | undefined = closed("call open() first");

  constructor(options: IndexedDbOptions) {
    this.#options = options;
  }

  async open(name: string, layout: number): Promise<void> {
    await this.close();
    this.#name = name;
    this.#layout = layout;
    this.#refusal = undefined;
    try {
      await this.#connect({ create: true });
    } catch (error) {
      this.#refusal = closed("open() failed");
      throw error;
    }
  }

  get(store: StoreName, keys: readonly Key[]): Promise<(Row | undefined)[]> {
    return this.#run(async (db) => {
      if (keys.length === 0) return [];
      const rows = readStore(db, store);
      return Promise.all(keys.map((key) => rows.get(storedKey(key))));
    });
  }

  range(
    store: StoreName,
    range: KeyRange,
    { limit = Infinity, reverse = false }: { limit?: number; reverse?: boolean } = {},
  ): Promise<Row[]> {
    return this.#run(async (db) => {
      const bounds = boundsOf(range);
      if (bounds === undefined || limit === 0) return [];
      if (!reverse) return readStore(db, store).getAll(bounds, limit === Infinity ? undefined : limit);
      const rows: Row[] = [];
      let cursor = await readStore(db, store).openCursor(bounds, "prev");
      for (; cursor !== null && rows.length < limit; cursor = await cursor.continue())
        rows.push(cursor.value as Row);
      return rows;
    });
  }

  commit(
    changes: readonly Change[],
    expect: readonly Expected[],
    { durability = "strict" }: CommitOptions = {},
  ): Promise<"committed" | "changed"> {
    const revision = createRevision();
    return this.#run((db, repeated) => commitOnce(db, { changes, expect, durability, revision, repeated }));
  }

  async estimate(): Promise<{ usage?: number; quota?: number }> {
    // Pages without TLS, and Node, have no storage manager.
    const { usage, quota } = (await globalThis.navigator?.storage?.estimate?.()) ?? {};
    return { ...(usage !== undefined && { usage }), ...(quota !== undefined && { quota }) };
  }

  async close(): Promise<void> {
    await this.#disconnect(closed("close() was called"));
  }

  async destroy(): Promise<void> {
    await this.#disconnect(closed("destroy() was called"));
    if (this.#name === undefined) return;
    try {
      await deleteDB(this.#name);
    } catch (error) {
      throw explainError(error);
    }
  }

  /** Runs work on the connection. If the browser has ended that, opens another one, once, and repeats the work. */
  async #run<T>(work: (db: IDBPDatabase, repeated: boolean) => Promise<T>): Promise<T> {
    for (let repeated = false; ; repeated = true) {
      if (this.#refusal !== undefined) throw this.#refusal;
      const connection = this.#connection ?? this.#connect({ create: false });
      const db = await connection;
      try {
        return await work(db, repeated);
      } catch (error) {
        if (repeated || !isConnectionLost(error)) throw explainError(error);
      }
      db.close();
      this.#forget(connection);
    }
  }

  #connect(how: { create: boolean }): Promise<IDBPDatabase> {
    const connection = this.#openDatabase(how, () => this.#forget(connection));
    this.#connection = connection;
    connection.catch(() => this.#forget(connection));
    return connection;
  }

  /** Makes the next call open another connection. */
  #forget(connection: Promise<IDBPDatabase>): void {
    if (this.#connection === connection) this.#connection = undefined;
  }

  async #openDatabase({ create }: { create: boolean }, terminated: () => void): Promise<IDBPDatabase> {
    let deleted = false;
    try {
      return await openDB(this.#name as string, this.#layout, {
        upgrade: (db, oldVersion, _newVersion, transaction) => {
          // A database that was open before is gone: the site's data was cleared. Writes of this page belong nowhere.
          deleted = !create && oldVersion === 0;
          if (deleted) {
            transaction.done.catch(ignore); // The opening fails with the same error.
            return transaction.abort();
          }
          for (const store of STORE_NAMES)
            if (!db.objectStoreNames.contains(store)) db.createObjectStore(store, { keyPath: "key" });
        },
        blocking: (_current, next, event) => {
          (event.target as IDBDatabase).close();
          this.#giveWay(next);
        },
        terminated,
      });
    } catch (error) {
      if (!deleted) throw explainError(error);
      this.#refusal = closed("the database was deleted");
      throw this.#refusal;
    }
  }

  /** Stops for a connection that upgrades the database (to version `next`), or deletes it (`null`). */
  #giveWay(next: number | null): void {
    void this.#disconnect(next === null ? closed("the database was deleted") : tooNew());
    if (next !== null) this.#options.onOutdated?.();
  }

  async #disconnect(reason: SynclineClientError): Promise<void> {
    this.#refusal = reason;
    const connection = this.#connection;
    this.#connection = undefined;
    const db = await connection?.catch(() => undefined);
    db?.close();
  }
}

function readStore(db: IDBPDatabase, store: StoreName) {
  const transaction = db.transaction(store);
  transaction.done.catch(ignore); // A read that fails has the error.
  return transaction.store;
}
