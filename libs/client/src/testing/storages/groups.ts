import type { Change, Row, Storage, StoreName } from "../../ports/index.ts";

/** The number of rows that a commit of `writeGroup` writes into each store. */
const ROWS_A_STORE = 20;
const STORES: readonly StoreName[] = ["documents", "index", "outbox"];

/** The changes of commit `n`: rows of three stores, all with the number of the commit. */
export function groupChanges(n: number): Change[] {
  return STORES.flatMap((store) =>
    Array.from({ length: ROWS_A_STORE }, (_, i): Change => {
      const key = ["group", i];
      return { kind: "put", store, key, value: { n, text: "x".repeat(200) } };
    }),
  );
}

/**
 * Reads what a process that died in the middle of its commits left behind, and returns the number of the last commit
 * that took effect (0: none). Throws if a part of a commit is visible.
 */
export async function readWholeGroup(storage: Storage): Promise<number> {
  const rows: Row[] = [];
  for (const store of STORES) rows.push(...(await storage.range(store, { prefix: ["group"] })));
  const numbers = new Set(rows.map((row) => (row.value as { n: number }).n));
  if (rows.length === 0) return 0;
  if (numbers.size !== 1 || rows.length !== STORES.length * ROWS_A_STORE)
    throw new Error(`${rows.length} rows of the commits ${[...numbers].join(", ")} are visible`);
  return [...numbers][0] as number;
}
