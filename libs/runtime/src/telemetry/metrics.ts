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

/** Upper bounds of buckets for what takes milliseconds when all is well, and seconds when it is not. */
export const SECONDS_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** For what may wait for long: behind an outage, or for a merge's next round. */
export const LONG_SECONDS_BOUNDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
];

/** Instruments are to be made once telemetry has started: one from before then counts nothing. */
const meter = (): Meter => metrics.getMeter("syncline");

/** @param startAt - the attributes of what is there from the start, at 0: else nobody sees a counter's first step */
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

/** A value that is looked up when somebody reads the metrics, and at no other time. */
export function createGauge(name: string, description: string, unit: string): Observable {
  return meter().createObservableGauge(name, { description, unit });
}

/** A sum that is kept elsewhere, and looked up like a gauge. */
export function createObservedCounter(name: string, description: string, unit: string): Observable {
  return meter().createObservableCounter(name, { description, unit });
}

/** Looks up several gauges at once. Where that fails they are missing, and whoever reads the metrics is told why. */
export function observe(
  gauges: readonly Observable[],
  look: (result: BatchObservableResult) => Promise<void> | void,
): void {
  meter().addBatchObservableCallback(look, [...gauges]);
}
