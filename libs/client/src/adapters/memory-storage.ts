import type { Change, Expected, Key, KeyRange, Row, Storage, StoreName } from "../ports/storage.ts";
import { SynclineClientError } from "../public/errors.ts";

interface Database {
  layout: number;
  /** Rows in the order of their keys. */
  stores: Map<StoreName, Row[]>;
  revision: number;
  isDestroyed?: true;
}

/** The databases of a device, by name. */
export type MemoryDatabases = Map<string, Database>;

/**
 * Storage in memory, the reference for all others. The databases live as long as the returned value, so that a client
 * that is created again with it finds what it left.
 *
 * @param databases - those of the device; storages that are given the same ones share them, as tabs do
 */
export function memoryStorage(databases: MemoryDatabases = new Map()): Storage {
  let name = "";
  let opened: Database | undefined;
  let openedLayout = 0;

  const rowsOf = (store: StoreName): Row[] => {
    if (opened === undefined || opened.isDestroyed === true || opened.layout !== openedLayout) {
      const text = "The storage is closed, deleted, or was opened by a newer version of the app";
      throw new SynclineClientError("storageClosed", text);
    }
    let rows = opened.stores.get(store);
    if (rows === undefined) opened.stores.set(store, (rows = []));
    return rows;
  };

  return {
    async open(database, layout) {
      const known = databases.get(database) ?? { layout, stores: new Map<StoreName, Row[]>(), revision: 0 };
      if (known.layout > layout) {
        const text = `The database ${database} has the layout ${known.layout}, and this code knows ${layout}`;
        throw new SynclineClientError("storageTooNew", text);
      }
      known.layout = layout;
      databases.set(database, known);
      name = database;
      opened = known;
      openedLayout = layout;
    },
    async get(store, keys) {
      const rows = rowsOf(store);
      return keys.map((key) => copyOf(find(rows, key)));
    },
    async range(store, range, { limit = Infinity, reverse = false } = {}) {
      const rows = within(rowsOf(store), range);
      const ordered = reverse ? rows.toReversed() : rows;
      return ordered.slice(0, limit).map((row) => copyOf(row));
    },
    async commit(changes, expect) {
      rowsOf("meta");
      const isAsExpected = ({ store, key, revision }: Expected) =>
        (find(rowsOf(store), key)?.revision ?? null) === revision;
      if (!expect.every(isAsExpected)) return "changed";
      // Copied first: a value that cannot be copied must leave nothing behind.
      const copies = changes.map((change) => ({
        ...structuredClone(change),
        key: change.key.map(checkPart),
      }));
      for (const change of copies) apply(change);
      return "committed";
    },
    async estimate() {
      return {};
    },
    async close() {
      opened = undefined;
    },
    async destroy() {
      const known = databases.get(name);
      if (known !== undefined) known.isDestroyed = true;
      databases.delete(name);
      opened = undefined;
    },
  };

  function apply(change: Change): void {
    const rows = rowsOf(change.store);
    const at = position(rows, change.key);
    const isThere = at < rows.length && compareKeys(rows[at]?.key ?? [], change.key) === 0;
    if (change.kind === "delete") {
      if (isThere) rows.splice(at, 1);
      return;
    }
    if (opened !== undefined) opened.revision += 1;
    const row = { key: change.key, revision: opened?.revision ?? 0, value: change.value };
    rows.splice(at, isThere ? 1 : 0, row);
  }
}

/** A caller's change to a value must not reach the storage. */
function copyOf<R extends Row | undefined>(row: R): R {
  return row === undefined ? row : { ...row, key: [...row.key], value: structuredClone(row.value) };
}

/** Throws unless the part can be ordered. Zero has one sign. */
function checkPart(part: unknown): string | number {
  if (typeof part === "string") return part;
  if (typeof part === "number" && !Number.isNaN(part)) return part === 0 ? 0 : part;
  throw new TypeError(`A key has a part that is no string and no number: ${String(part)}`);
}

/** Compares keys part by part; numbers precede strings, and a key precedes those that continue it. */
function compareKeys(a: Key, b: Key): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const order = comparePart(a[at] ?? 0, b[at] ?? 0);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function comparePart(a: string | number, b: string | number): number {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** The position of the first row whose key is not below. */
function position(rows: readonly Row[], key: Key): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(rows[middle]?.key ?? [], key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function find(rows: readonly Row[], key: Key): Row | undefined {
  const row = rows[position(rows, key)];
  return row !== undefined && compareKeys(row.key, key) === 0 ? row : undefined;
}

function within(rows: readonly Row[], { prefix, from, to, fromOpen, toOpen }: KeyRange): Row[] {
  const found: Row[] = [];
  const start = position(rows, from === undefined ? prefix : [...prefix, from]);
  for (let at = start; at < rows.length; at++) {
    const row = rows[at];
    if (row === undefined || compareKeys(row.key.slice(0, prefix.length), prefix) !== 0) break;
    const part = row.key[prefix.length];
    if (part === undefined) {
      if (from === undefined && to === undefined) found.push(row);
      continue;
    }
    if (fromOpen === true && from !== undefined && comparePart(part, from) === 0) continue;
    const order = to === undefined ? -1 : comparePart(part, to);
    if (order > 0 || (order === 0 && toOpen === true)) break;
    found.push(row);
  }
  return found;
}
