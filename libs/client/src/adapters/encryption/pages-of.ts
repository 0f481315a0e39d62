import type { KeyRange, Row, Storage, StoreName } from "../../ports/index.ts";

/** Reads all rows of a store, in pages of `limit` rows. */
export async function* pagesOf(storage: Storage, store: StoreName, limit: number): AsyncGenerator<Row[]> {
  // The next range is the last one.
  const ranges: KeyRange[] = [{ prefix: [] }];
  for (let range = ranges.pop(); range !== undefined; range = ranges.pop()) {
    const rows = await storage.range(store, range, { limit });
    if (rows.length > 0) yield rows;
    const last = rows[limit - 1]?.key;
    if (last === undefined) continue; // The range has no more rows.
    // After the last key come those that continue it, then those with a greater part, from its last part to its first.
    for (let i = range.prefix.length; i < last.length; i += 1)
      ranges.push({ prefix: last.slice(0, i), from: last[i] as string | number, fromOpen: true });
    ranges.push({ prefix: last, from: -Infinity });
  }
}
