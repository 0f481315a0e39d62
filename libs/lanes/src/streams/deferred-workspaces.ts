import type { StoredEntry, WorkspaceId } from "@syncline/shared/protocol";
import { guarded } from "../connect.ts";
import { workspaceOf, type LanePart } from "./lane-part.ts";
import type { AccessLane } from "./lane-scripts.ts";

/** The workspaces whose entries wait on streams of their own, so that they do not delay the rest of their lane. */
export interface DeferredWorkspaces {
  /**
   * Defers the workspaces of some entries that were read from a lane. These entries, and later ones of the workspaces,
   * wait on streams of their own, in order. Returns the number of entries left on the lane.
   */
  deferEntries(lane: number, entries: readonly StoredEntry[]): Promise<number>;
  /** Ends a workspace's deferral unless it has entries left. Returns true if it ended. */
  readmitWorkspace(lane: number, workspaceId: WorkspaceId): Promise<boolean>;
  /** The deferred workspaces of some lanes. */
  listDeferred(lanes: readonly number[]): Promise<Required<LanePart>[]>;
}

export function createDeferredWorkspaces(access: AccessLane): DeferredWorkspaces {
  return {
    async deferEntries(lane, entries) {
      const { scripts, keys } = access(lane);
      return guarded(
        scripts.deferEntries(
          keys.laneStream(lane),
          keys.laneAnswered(lane),
          keys.deferredWorkspaces(lane),
          keys.deferredStream(lane),
          keys.deferredAnswered(lane),
          ...entries.flatMap((stored) => [workspaceOf(stored), stored.id]),
        ),
      );
    },

    async readmitWorkspace(lane, workspaceId) {
      const { scripts, keys } = access(lane);
      const readmitted = await guarded(
        scripts.readmitWorkspace(
          keys.laneStream(lane),
          keys.laneAnswered(lane),
          keys.deferredWorkspaces(lane),
          keys.deferredStream(lane, workspaceId),
          keys.deferredAnswered(lane, workspaceId),
          workspaceId,
        ),
      );
      return readmitted === 1;
    },

    async listDeferred(lanes) {
      const found = await Promise.all(
        lanes.map(async (lane) => {
          const { redis, keys } = access(lane);
          const workspaceIds = await guarded(redis.smembers(keys.deferredWorkspaces(lane)));
          return workspaceIds.map((workspaceId) => ({ lane, workspaceId }));
        }),
      );
      return found.flat();
    },
  };
}
