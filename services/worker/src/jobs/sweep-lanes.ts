import type { LaneStreams, LaneWaker } from "@syncline/runtime";

/** Wakes every lane that holds entries: its wake-up may have got lost. */
export function createSweepLanes(
  deps: { lanes: LaneStreams; waker: LaneWaker },
  options: { laneCount: number },
): () => Promise<void> {
  return async () => {
    for (const lane of await deps.lanes.lanesWithEntries(options.laneCount)) await deps.waker.wake(lane);
  };
}
