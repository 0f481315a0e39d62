import { createCounter, createGauge, createHistogram, observe } from "@syncline/runtime";

/** What ingest counts of the batches that it takes. */
export interface AcceptMetrics {
  /** A batch of so many operations lies on its lane. */
  accepted(operations: number): void;
}

export function createAcceptMetrics(): AcceptMetrics {
  const operations = createCounter(
    "syncline.operations.accepted",
    "Operations that were put on a lane, resends included",
    "{operation}",
  );
  const batches = createHistogram("syncline.batch.operations", "Operations of a batch", {
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

/** How many answers this process keeps open, and how many requests wait for their batch. */
export function observeWaiting(counts: { streams: () => number; batches: () => number }): void {
  const streams = createGauge(
    "syncline.streams.open",
    "Answers that stay open: event streams, waiting readers of the feed, snapshots",
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
