import type { Change, Expected, Key, Row, Storage, StoreName } from "../ports/storage.ts";
import { SynclineClientError } from "../public/errors.ts";

/** Commits that find other rows than they read are repeated. Each repetition means that another one succeeded. */
const TRIES_MAX = 100;

/** Rows that were read, and the changes to them: one commit. */
export interface Transaction {
  get(store: StoreName, key: Key): Promise<unknown>;
  getAll(store: StoreName, keys: readonly Key[]): Promise<unknown[]>;
  /** Rows in a range. Each of them is expected unchanged only if it is also written. */
  range(store: StoreName, ...of: RangeArguments): Promise<unknown[]>;
  put(store: StoreName, key: Key, value: unknown): void;
  delete(store: StoreName, key: Key): void;
}

type RangeArguments = Parameters<Storage["range"]> extends [unknown, ...infer Rest] ? Rest : never;

/** A committed change, told to all that show data. */
export interface Committed {
  readonly changes: readonly Change[];
}

/**
 * The rows of one account on this device. Storage is not interactive, so a transaction reads, computes, and commits
 * in one go if nothing that it depends on has changed meanwhile; otherwise it is run again.
 */
export class Database {
  readonly storage: Storage;
  readonly #durability: "strict" | "relaxed";
  readonly #listeners = new Set<(committed: Committed) => void>();

  constructor(storage: Storage, durability: "strict" | "relaxed") {
    this.storage = storage;
    this.#durability = durability;
  }

  subscribe(listener: (committed: Committed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async transact<R>(
    work: (transaction: Transaction) => R | Promise<R>,
    durability: "strict" | "relaxed" = this.#durability,
  ): Promise<R> {
    for (let tries = 1; tries <= TRIES_MAX; tries++) {
      const { transaction, changes, expect } = this.#begin();
      const result = await work(transaction);
      const list = [...changes.values()];
      if (list.length === 0) return result;
      const end = await this.storage.commit(list, expect(), { durability });
      if (end === "changed") continue;
      for (const listener of this.#listeners) listener({ changes: list });
      return result;
    }
    throw new SynclineClientError("storageBusy", `Rows changed during each of ${TRIES_MAX} tries to commit`);
  }

  #begin() {
    const revisions = new Map<string, Expected>();
    const ranged = new Map<string, Expected>();
    const changes = new Map<string, Change>();
    const nameOf = (store: StoreName, key: Key) => JSON.stringify([store, key]);
    const note = (into: Map<string, Expected>, store: StoreName, key: Key, row: Row | undefined) => {
      const name = nameOf(store, key);
      if (!into.has(name)) into.set(name, { store, key, revision: row?.revision ?? null });
    };
    const getAll = async (store: StoreName, keys: readonly Key[]) => {
      const rows = await this.storage.get(store, keys);
      for (const [index, key] of keys.entries()) note(revisions, store, key, rows[index]);
      return rows.map((row) => row?.value);
    };
    const transaction: Transaction = {
      getAll,
      get: async (store, key) => (await getAll(store, [key]))[0],
      range: async (store, ...of) => {
        const rows = await this.storage.range(store, ...of);
        for (const row of rows) note(ranged, store, row.key, row);
        return rows.map(({ value }) => value);
      },
      put: (store, key, value) => changes.set(nameOf(store, key), { kind: "put", store, key, value }),
      delete: (store, key) => changes.set(nameOf(store, key), { kind: "delete", store, key }),
    };
    const expect = () => {
      const expected = new Map(revisions);
      for (const [name, { store, key }] of changes) {
        if (!expected.has(name)) expected.set(name, ranged.get(name) ?? { store, key, revision: null });
      }
      return [...expected.values()];
    };
    return { transaction, changes, expect };
  }
}
