import type { IDBPDatabase } from "idb";
import type { Change, Expected, Row } from "../../ports/index.ts";
import { STORE_NAMES } from "../store-names.ts";
import { storedKey } from "./ranges.ts";

export interface Commit {
  readonly changes: readonly Change[];
  readonly expect: readonly Expected[];
  readonly durability: "strict" | "relaxed";
  /** The revision that the rows get. */
  readonly revision: number;
  /** The connection was lost during an earlier attempt, which may have taken effect all the same. */
  readonly repeated: boolean;
}

/** A new random revision: 53 bits, so that no counter has to be read and written with each commit. */
export function createRevision(): number {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return (high % 2 ** 21) * 2 ** 32 + low;
}

/**
 * Commits in one transaction: reads for the expectations, then writes, then `commit()`. IndexedDB ends a transaction of
 * which nothing is asked, so nothing else is awaited in between.
 */
export async function commitOnce(db: IDBPDatabase, commit: Commit): Promise<"committed" | "changed"> {
  const { changes, expect, durability, revision, repeated } = commit;
  const stores = STORE_NAMES.filter((name) => [...changes, ...expect].some(({ store }) => store === name));
  if (stores.length === 0) return "committed";
  const transaction = db.transaction(stores, "readwrite", { durability });
  transaction.done.catch(ignore); // Another error may come first. Without one, it is awaited below.
  const rowAt = async ({ store, key }: Expected | Change): Promise<Row | undefined> =>
    transaction.objectStore(store).get(storedKey(key));
  try {
    if (repeated) {
      const rows = await Promise.all(changes.map(rowAt));
      if (rows.some((row) => row?.revision === revision)) return "committed";
    }
    if (expect.length > 0) {
      const rows = await Promise.all(expect.map(rowAt));
      if (expect.some((expected, i) => (rows[i]?.revision ?? null) !== expected.revision)) return "changed";
    }
    for (const change of changes) {
      const store = transaction.objectStore(change.store);
      const key = storedKey(change.key);
      const request =
        change.kind === "put" ? store.put({ key, revision, value: change.value }) : store.delete(key);
      request.catch(ignore); // A request that fails ends the transaction, which reports its error.
    }
    transaction.commit();
  } catch (error) {
    try {
      transaction.abort();
    } catch {
      // The transaction has ended already.
    }
    throw error;
  }
  await transaction.done;
  return "committed";
}

export const ignore = () => undefined;
