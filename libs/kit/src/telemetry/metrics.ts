import {
  metrics,
  type Attributes,
  type BatchObservableResult,
  type Counter,
  type Histogram,
  type Meter,
  type Observable,
} from "@opentelemetry/api";

export type { Counter, Histogram, Observable } from "@opentelemetry/api";

/** Upper bounds of buckets for durations that are milliseconds normally and seconds under trouble. */
export const SECONDS_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** Upper bounds of buckets for long waits: during an outage, or for a merge's next round. */
export const LONG_SECONDS_BOUNDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
];

/** Instruments must be created after telemetry has started; an earlier one counts nowhere. */
const meter = (): Meter => metrics.getMeter("syncline");

/**
 * Creates a counter.
 *
 * @param startAt - the attribute sets that start at 0: otherwise a counter's first increment is invisible
 */
export function createCounter(
  name: string,
  description: string,
  unit: string,
  startAt: readonly Attributes[] = [{}],
): Counter {
  const counter = meter().createCounter(name, { description, unit });
  for (const attributes of startAt) counter.add(0, attributes);
  return counter;
}

export function createHistogram(
  name: string,
  description: string,
  options: { unit: string; bounds: number[] },
): Histogram {
  const { unit, bounds } = options;
  return meter().createHistogram(name, {
    description,
    unit,
    advice: { explicitBucketBoundaries: bounds },
  });
}

/** Creates a gauge whose value is read only when the metrics are collected. */
export function createGauge(name: string, description: string, unit: string): Observable {
  return meter().createObservableGauge(name, { description, unit });
}

/** Creates a counter whose sum is kept elsewhere and read like a gauge. */
export function createObservedCounter(name: string, description: string, unit: string): Observable {
  return meter().createObservableCounter(name, { description, unit });
}

/** Observes several gauges at once. If that fails, they are missing and the reader of the metrics gets the reason. */
export function observe(
  gauges: readonly Observable[],
  look: (result: BatchObservableResult) => Promise<void> | void,
): void {
  meter().addBatchObservableCallback(look, [...gauges]);
}
