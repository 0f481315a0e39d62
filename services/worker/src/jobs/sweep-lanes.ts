import type { LaneStreams, LaneWaker } from "@syncline/runtime";

/**
 * Wakes each of some lanes that holds entries, and each deferred workspace of theirs: its wake-up may have got lost. Urgently, because a drain may also have been put off by
 * a clock that is wrong; its backoff holds all the same.
 */
export function createSweepLanes(
  deps: { lanes: LaneStreams; waker: LaneWaker },
  options: { lanes: readonly number[] },
): () => Promise<void> {
  return async () => {
    for (const lane of await deps.lanes.lanesWithEntries(options.lanes)) await deps.waker.wake(lane, 0, true);
    for (const part of await deps.lanes.listDeferred(options.lanes)) await deps.waker.wakeDeferred(part, 0);
  };
}
