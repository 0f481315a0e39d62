import type { LaneEntry, StoredEntry, WorkspaceId } from "@syncline/shared/protocol";
import type { ShardKeys } from "../keys.ts";

/** A lane without its deferred workspaces, or one of its deferred workspaces. */
export interface LanePart {
  lane: number;
  workspaceId?: WorkspaceId | undefined;
}

/** The stream of a lane part and the key of its answered position. */
export function keysOfPart(
  keys: ShardKeys,
  { lane, workspaceId }: LanePart,
): { stream: string; answered: string } {
  return workspaceId === undefined
    ? { stream: keys.laneStream(lane), answered: keys.laneAnswered(lane) }
    : {
        stream: keys.deferredStream(lane, workspaceId),
        answered: keys.deferredAnswered(lane, workspaceId),
      };
}

/** The key that exists while an entry is on its lane. */
export function acceptedKey(keys: ShardKeys, entry: LaneEntry): string {
  return entry.kind === "batch"
    ? keys.acceptedBatch(entry.batch.batchId)
    : keys.acceptedResolution(entry.resolution.conflictId, entry.resolution.round);
}

/** The workspace of an entry. */
export function workspaceOf({ entry }: StoredEntry): WorkspaceId {
  return entry.kind === "batch" ? entry.batch.workspaceId : entry.resolution.workspaceId;
}
