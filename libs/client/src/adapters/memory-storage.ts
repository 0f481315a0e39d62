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
    if (opened === undefined || opened.isDestroyed === true)
      throw new SynclineClientError("storageClosed", "The storage is closed, or its database was deleted");
    if (opened.layout !== openedLayout)
      throw new SynclineClientError("storageTooNew", "A newer version of the app has opened the database");
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
      const rows = rowsOf(store);
      const start = firstAt(rows, (row) => !precedes(row.key, range));
      const end = firstAt(rows, (row) => follows(row.key, range));
      const found = reverse
        ? rows.slice(Math.max(start, end - limit), end).toReversed()
        : rows.slice(start, Math.min(end, start + limit));
      return found.map((row) => copyOf(row));
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

/** The position of the first row for which a condition holds. It holds for all later rows, too. */
function firstAt(rows: readonly Row[], holds: (row: Row) => boolean): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row !== undefined && holds(row)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The position of the first row whose key is not below. */
const position = (rows: readonly Row[], key: Key): number =>
  firstAt(rows, (row) => compareKeys(row.key, key) >= 0);

function find(rows: readonly Row[], key: Key): Row | undefined {
  const row = rows[position(rows, key)];
  return row !== undefined && compareKeys(row.key, key) === 0 ? row : undefined;
}

const compareToPrefix = (key: Key, prefix: Key) => compareKeys(key.slice(0, prefix.length), prefix);

/** Reports whether a key comes before a range. The prefix itself belongs only to a range without bounds. */
function precedes(key: Key, { prefix, from, to, fromOpen }: KeyRange): boolean {
  const order = compareToPrefix(key, prefix);
  if (order !== 0) return order < 0;
  const part = key[prefix.length];
  if (part === undefined) return from !== undefined || to !== undefined;
  if (from === undefined) return false;
  const toFrom = comparePart(part, from);
  return toFrom < 0 || (toFrom === 0 && fromOpen === true);
}

/** Reports whether a key comes after a range. */
function follows(key: Key, { prefix, to, toOpen }: KeyRange): boolean {
  const order = compareToPrefix(key, prefix);
  if (order !== 0) return order > 0;
  const part = key[prefix.length];
  if (part === undefined || to === undefined) return false;
  const toTo = comparePart(part, to);
  return toTo > 0 || (toTo === 0 && toOpen === true);
}
