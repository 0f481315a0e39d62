import { onDatabase } from "./stores.ts";

/** Every operation that was answered is in the ledger as a success, and is a change of its own. */
export async function verifyApplied(databaseUrl: string, operations: number): Promise<void> {
  const [row] = await onDatabase(databaseUrl, async (client) => {
    const { rows } = await client.query<{ ledger: number; successes: number; changes: number }>(
      `SELECT (SELECT count(*) FROM operations)::int AS ledger,
         (SELECT count(*) FROM operations WHERE status = 'success')::int AS successes,
         (SELECT count(*) FROM changes WHERE device_id <> 'seed')::int AS changes`,
    );
    return rows;
  });
  if (row?.ledger !== operations || row.successes !== operations || row.changes !== operations) {
    throw new Error(`${operations} operations were answered, and the tables hold ${JSON.stringify(row)}`);
  }
}
