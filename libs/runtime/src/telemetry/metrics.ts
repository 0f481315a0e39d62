import { metrics, type Counter } from "@opentelemetry/api";

export type { Counter } from "@opentelemetry/api";

/** Makes a counter. To be called once telemetry has started: a counter from before then counts nothing. */
export function createCounter(name: string, description: string): Counter {
  return metrics.getMeter("syncline").createCounter(name, { description });
}
