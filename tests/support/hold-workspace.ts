import type { System } from "./system.ts";

/** Holds workspaces' rows in a transaction of a stranger's, so that nothing can be committed to them. @returns what lets go */
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
