import {
  pendingResults,
  type ConflictId,
  type EncodedBatch,
  type LaneEntry,
  type Resolution,
} from "@syncline/shared/protocol";
import { guarded } from "../connect.ts";
import type { AcceptedBatchStatus } from "./batch-status.ts";
import { acceptedKey } from "./lane-part.ts";
import type { AccessLane, Appended } from "./lane-scripts.ts";

/** The limits of the backlog. A batch over a limit is rejected; resolutions from the conflict service have no limit. */
export interface LaneBounds {
  laneOperationsMax: number;
  laneBytesMax: number;
  workspaceOperationsMax: number;
}

/** Appends accepted work to the lanes. */
export interface LaneAppends {
  /**
   * Appends a batch with the lane's answered position and makes its status readable, in one step. If a limit is
   * reached, it does nothing.
   */
  appendBatch(lane: number, batch: EncodedBatch, trace: Record<string, string>): Promise<Appended>;
  /** Appends a conflict's resolution unless this round's is already on the lane. */
  appendResolution(lane: number, resolution: Resolution, trace: Record<string, string>): Promise<void>;
  /** True if this round's resolution is on the lane, so that it cannot be appended again. */
  hasResolution(lane: number, round: { conflictId: ConflictId; round: number }): Promise<boolean>;
}

export function createLaneAppends(access: AccessLane, bounds: LaneBounds): LaneAppends {
  return {
    async appendBatch(lane, { head: batch, json }, trace) {
      const { scripts, keys } = access(lane);
      const status: AcceptedBatchStatus = {
        workspaceId: batch.workspaceId,
        deviceId: batch.deviceId,
        acceptedAtMs: batch.acceptedAtMs,
        results: pendingResults(batch),
      };
      return guarded(
        scripts.appendBatch(
          keys.laneStream(lane),
          keys.laneWaiting(lane),
          keys.acceptedBatch(batch.batchId),
          keys.laneAnswered(lane),
          keys.deferredWorkspaces(lane),
          keys.deferredAnswered(lane, batch.workspaceId),
          encodeEntry(json, trace),
          JSON.stringify(status),
          batch.workspaceId,
          batch.operations.length,
          bounds.laneOperationsMax,
          bounds.laneBytesMax,
          bounds.workspaceOperationsMax,
        ),
      );
    },

    async appendResolution(lane, resolution, trace) {
      const { scripts, keys } = access(lane);
      const entry: LaneEntry = { kind: "resolution", resolution, trace };
      await guarded(
        scripts.appendResolution(
          keys.laneStream(lane),
          keys.laneWaiting(lane),
          acceptedKey(keys, entry),
          keys.deferredWorkspaces(lane),
          JSON.stringify(entry),
          resolution.workspaceId,
        ),
      );
    },

    async hasResolution(lane, { conflictId, round }) {
      const { redis, keys } = access(lane);
      return (await guarded(redis.exists(keys.acceptedResolution(conflictId, round)))) === 1;
    },
  };
}

/** Encodes the {@link LaneEntry} of a batch that is already JSON text. */
function encodeEntry(json: EncodedBatch["json"], trace: Record<string, string>): string | Buffer {
  const [before, after] = ['{"kind":"batch","batch":', `,"trace":${JSON.stringify(trace)}}`];
  if (typeof json === "string") return before + json + after;
  return Buffer.concat([Buffer.from(before), json, Buffer.from(after)]);
}
