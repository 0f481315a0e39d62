import type { LaneStreams } from "@syncline/lanes";
import type { LaneWaker } from "@syncline/lanes/queues";

/**
 * Wakes each of some lanes that holds entries, and each of their deferred workspaces: the wake-up may be lost. The
 * wake-up is urgent, because a wrong clock may have delayed the drain; its backoff still applies.
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
