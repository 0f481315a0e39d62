import { createCounter, createGauge, createHistogram, observe } from "@syncline/kit/telemetry";

/** Metrics of accepted batches. */
export interface AcceptMetrics {
  /** Records a batch that is on its lane. */
  accepted(operations: number): void;
}

export function createAcceptMetrics(): AcceptMetrics {
  const operations = createCounter(
    "syncline.operations.accepted",
    "Operations put on a lane, including resends",
    "{operation}",
  );
  const batches = createHistogram("syncline.batch.operations", "Operations per batch", {
    unit: "{operation}",
    bounds: [1, 2, 5, 10, 25, 50, 100],
  });
  return {
    accepted(count) {
      operations.add(count);
      batches.record(count);
    },
  };
}

/** Observes the long-lived responses of this process, and the requests that wait for their batch. */
export function observeWaiting(counts: { streams: () => number; batches: () => number }): void {
  const streams = createGauge(
    "syncline.streams.open",
    "Long-lived responses: event streams, waiting readers of the feed, snapshots",
    "{stream}",
  );
  const batches = createGauge(
    "syncline.batches.waiting",
    "Requests that wait for the results of their batch",
    "{request}",
  );
  observe([streams, batches], (result) => {
    result.observe(streams, counts.streams());
    result.observe(batches, counts.batches());
  });
}
