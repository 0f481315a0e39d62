import { DOCUMENT_VALUES_MAX } from "@syncline/shared/document";
import { documentKey, type Resolution, type StoredEntry } from "@syncline/shared/protocol";
import type { WindowState } from "./window-state.ts";

/** The most values that a workspace's operations may read on its lane: about 250 ms of planning. */
const LANE_VALUES_MAX = 10 * DOCUMENT_VALUES_MAX;

/**
 * Finds the workspaces of a window whose operations take so long that their lane must not wait for them. Each
 * operation counts with the values of its document. Pure.
 */
export function costlyWorkspaces(entries: readonly StoredEntry[], state: WindowState): Set<string> {
  const valuesByWorkspace = new Map<string, number>();
  const costly = new Set<string>();
  for (const { entry } of entries) {
    const { workspaceId } = entry.kind === "batch" ? entry.batch : entry.resolution;
    const operations: readonly Pick<Resolution, "collection" | "documentId">[] =
      entry.kind === "batch" ? entry.batch.operations : [entry.resolution];
    let values = valuesByWorkspace.get(workspaceId) ?? 0;
    for (const { collection, documentId } of operations) {
      if (values > LANE_VALUES_MAX) break;
      const document = state.documentByKey.get(documentKey(workspaceId, collection, documentId));
      values += document?.data?.size.values ?? 1;
    }
    valuesByWorkspace.set(workspaceId, values);
    if (values > LANE_VALUES_MAX) costly.add(workspaceId);
  }
  return costly;
}
