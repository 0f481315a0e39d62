import type { System } from "./system.ts";

/** Holds a workspace's row in a transaction of a stranger's, so that nothing can be committed to it. @returns what lets go */
export async function holdWorkspace(
  { pool }: Pick<System, "pool">,
  workspaceId: string,
): Promise<() => Promise<void>> {
  const client = await pool.connect();
  await client.query("BEGIN");
  await client.query("SELECT FROM workspaces WHERE workspace_id = $1 FOR UPDATE", [workspaceId]);
  return async () => {
    await client.query("ROLLBACK");
    client.release();
  };
}
