import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";

/** The time limit for observing. A store that does not answer in time loses its own metrics, not the others'. */
const OBSERVE_TIMEOUT_MS = 3_000;
/** The suffix that Prometheus expects for a unit. A collector adds it, the serializer does not: this way both agree. */
const SUFFIX_BY_UNIT: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" };

/** Collects metrics on demand. */
export class ScrapeReader extends MetricReader {
  readonly #serializer = new PrometheusSerializer(undefined, false, undefined, false, true);

  /** Returns all metrics in Prometheus' text format, and the errors that made some of them missing. */
  async scrape(): Promise<{ text: string; errors: unknown[] }> {
    const { resourceMetrics, errors } = await this.collect({ timeoutMillis: OBSERVE_TIMEOUT_MS });
    return { text: `${this.#serializer.serialize(withUnits(resourceMetrics)).trimEnd()}\n`, errors };
  }

  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

function withUnits(resourceMetrics: ResourceMetrics): ResourceMetrics {
  const scopeMetrics = resourceMetrics.scopeMetrics.map(({ scope, metrics }) => ({
    scope,
    metrics: metrics.map((metric) => {
      const suffix = SUFFIX_BY_UNIT[metric.descriptor.unit];
      // The text format has no line for a unit.
      const descriptor = { ...metric.descriptor, unit: "" };
      if (suffix !== undefined) descriptor.name += `.${suffix}`;
      return { ...metric, descriptor };
    }),
  }));
  return { ...resourceMetrics, scopeMetrics };
}
