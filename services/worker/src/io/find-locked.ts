import { workspaceOf } from "@syncline/lanes";
import type { StoredEntry } from "@syncline/shared/protocol";
import type { Pool } from "@syncline/store";
import { documentsNamedBy } from "../core/window-keys.ts";
import { sendPipelined } from "./send-pipelined.ts";
import { statement } from "./sql.ts";

const FIND_LOCKED = statement("find-locked");

/** Finds the workspaces of a window that have a row which another transaction holds, without waiting for any. */
export async function findLocked(pool: Pool, entries: readonly StoredEntry[]): Promise<Set<string>> {
  const documents = documentsNamedBy(entries);
  const values = [
    [...new Set(entries.map(workspaceOf))],
    documents.map(({ workspaceId }) => workspaceId),
    documents.map(({ collection }) => collection),
    documents.map(({ documentId }) => documentId),
  ];
  const [rows = []] = await sendPipelined(pool, [[FIND_LOCKED, values]]);
  return new Set(rows.map((row) => String(row["workspace_id"])));
}
