import {
  ConsoleMetricExporter,
  PeriodicExportingMetricReader,
  type IMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import { otlpProtocol } from "./otlp-protocol.ts";
import { positiveNumber } from "./positive-number.ts";
import { ScrapeReader } from "./scrape-reader.ts";

/** Creates the readers for the named exporters. The SDK does the same, but accepts no reader of our own. */
export async function createMetricReaders(
  exporters: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ readers: IMetricReader[]; scraped: ScrapeReader | undefined }> {
  const scraped = exporters.includes("prometheus") ? new ScrapeReader() : undefined;
  const readers: IMetricReader[] = scraped === undefined ? [] : [scraped];
  if (exporters.includes("otlp")) readers.push(periodic(await createOtlpExporter(env), env));
  if (exporters.includes("console")) readers.push(periodic(new ConsoleMetricExporter(), env));
  return { readers, scraped };
}

function periodic(exporter: PushMetricExporter, env: NodeJS.ProcessEnv): PeriodicExportingMetricReader {
  return new PeriodicExportingMetricReader({
    exporter,
    ...positiveNumber("exportIntervalMillis", env["OTEL_METRIC_EXPORT_INTERVAL"]),
    ...positiveNumber("exportTimeoutMillis", env["OTEL_METRIC_EXPORT_TIMEOUT"]),
  });
}

/** Loads only the exporter of the configured protocol. */
async function createOtlpExporter(env: NodeJS.ProcessEnv): Promise<PushMetricExporter> {
  const protocol = otlpProtocol("METRICS", env);
  if (protocol === "grpc")
    return new (await import("@opentelemetry/exporter-metrics-otlp-grpc")).OTLPMetricExporter();
  if (protocol === "http/json")
    return new (await import("@opentelemetry/exporter-metrics-otlp-http")).OTLPMetricExporter();
  return new (await import("@opentelemetry/exporter-metrics-otlp-proto")).OTLPMetricExporter();
}
