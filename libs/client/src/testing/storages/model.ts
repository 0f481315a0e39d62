import type { Change, Key, KeyPart, KeyRange, Row, StoreName } from "../../ports/index.ts";
import { canonical } from "./check.ts";

function compareParts(a: KeyPart, b: KeyPart): number {
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function compareKeys(a: Key, b: Key): number {
  for (let i = 0; i < Math.min(a.length, b.length); i += 1) {
    const order = compareParts(a[i] as KeyPart, b[i] as KeyPart);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The keys of a range, by the definition and with no regard to cost. A bound leaves out a key without a next part. */
export function rangeOf(keys: readonly Key[], { prefix, from, to, fromOpen, toOpen }: KeyRange): Key[] {
  return keys
    .filter((key) => {
      if (prefix.some((part, i) => key[i] !== part) || key.length < prefix.length) return false;
      const next = key[prefix.length];
      if (next === undefined) return from === undefined && to === undefined;
      if (from !== undefined && compareParts(next, from) < (fromOpen ? 1 : 0)) return false;
      return to === undefined || compareParts(next, to) <= (toOpen ? -1 : 0);
    })
    .toSorted(compareKeys);
}

/** The rows that a storage must hold after its commits, without their revisions. */
export class StorageModel {
  readonly #stores = new Map<StoreName, Map<string, { key: Key; value: unknown }>>();

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const rows = this.#stores.get(change.store) ?? new Map<string, { key: Key; value: unknown }>();
      this.#stores.set(change.store, rows);
      if (change.kind === "delete") rows.delete(canonical(change.key));
      else rows.set(canonical(change.key), { key: change.key, value: change.value });
    }
  }

  has(store: StoreName, key: Key): boolean {
    return this.#stores.get(store)?.has(canonical(key)) ?? false;
  }

  range(store: StoreName, range: KeyRange): Omit<Row, "revision">[] {
    const rows = [...(this.#stores.get(store)?.values() ?? [])];
    return rangeOf(
      rows.map((row) => row.key),
      range,
    ).map((key) => ({ key, value: this.#stores.get(store)?.get(canonical(key))?.value }));
  }
}
