import type { System } from "./system.ts";

/**
 * Locks workspaces' rows in an outside transaction, so that no change can be committed to them. @returns a function
 * that releases them
 */
export async function holdWorkspace(
  { pool }: Pick<System, "pool">,
  ...workspaceIds: string[]
): Promise<() => Promise<void>> {
  const client = await pool.connect();
  await client.query("BEGIN");
  await client.query("SELECT FROM workspaces WHERE workspace_id = ANY ($1) FOR UPDATE", [workspaceIds]);
  return async () => {
    await client.query("ROLLBACK");
    client.release();
  };
}
