import type { Shards } from "../shards.ts";
import { createLaneAppends, type LaneAppends, type LaneBounds } from "./append-entries.ts";
import { createAcceptedBatches, type AcceptedBatches } from "./batch-status.ts";
import { createDeferredWorkspaces, type DeferredWorkspaces } from "./deferred-workspaces.ts";
import { defineLaneScripts } from "./lane-scripts.ts";
import { createLaneWindows, type LaneWindows } from "./lane-windows.ts";

/** The streams of the lanes: accepted entries that are not committed yet. */
export interface LaneStreams extends LaneAppends, LaneWindows, DeferredWorkspaces, AcceptedBatches {}

const UNBOUNDED: LaneBounds = {
  laneOperationsMax: Number.MAX_SAFE_INTEGER,
  laneBytesMax: Number.MAX_SAFE_INTEGER,
  workspaceOperationsMax: Number.MAX_SAFE_INTEGER,
};

/**
 * Creates the streams of the lanes.
 *
 * @param bounds - the limits for appending batches
 */
export function createLaneStreams(shards: Shards, bounds = UNBOUNDED): LaneStreams {
  const access = defineLaneScripts(shards);
  return {
    ...createLaneAppends(access, bounds),
    ...createLaneWindows(access, shards),
    ...createDeferredWorkspaces(access),
    ...createAcceptedBatches(shards),
  };
}
