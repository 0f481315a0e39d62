import { metrics, type Counter, type Histogram } from "@opentelemetry/api";

export type { Counter, Histogram } from "@opentelemetry/api";

/** Makes a counter. To be called once telemetry has started: a counter from before then counts nothing. */
export function createCounter(name: string, description: string): Counter {
  return metrics.getMeter("syncline").createCounter(name, { description });
}

/**
 * Makes a histogram. To be called once telemetry has started, as for a counter.
 *
 * @param boundaries - the buckets' upper bounds, inclusive
 */
export function createHistogram(name: string, description: string, boundaries: number[]): Histogram {
  const advice = { explicitBucketBoundaries: boundaries };
  return metrics.getMeter("syncline").createHistogram(name, { description, advice });
}
