import { PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";

/** A store that does not answer in time costs its own metrics, not the others'. */
const OBSERVE_TIMEOUT_MS = 3_000;
/** The suffix that Prometheus wants for a unit. The serializer does not add it, a collector would: so both agree. */
const SUFFIX_BY_UNIT: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" };

/** Metrics that are read when somebody asks for them. */
export class ScrapeReader extends MetricReader {
  readonly #serializer = new PrometheusSerializer(undefined, false, undefined, false, true);

  /** Everything as it stands now, in Prometheus' text format, and why something of it is missing. */
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
