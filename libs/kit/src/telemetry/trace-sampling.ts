import {
  BatchSpanProcessor,
  createAlwaysRecordSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace";
import { NotableSpanProcessor } from "./notable-span-processor.ts";
import { otlpProtocol } from "./otlp-protocol.ts";
import { positiveNumber } from "./positive-number.ts";

/**
 * Replaces the SDK's sampler and processor if only a share of the traces is exported; `undefined` if all or none are.
 * The share consists of whole traces; notable parts of the other traces are exported as well.
 */
export async function createTraceSampling(
  env: NodeJS.ProcessEnv,
): Promise<{ sampler: Sampler; spanProcessors: SpanProcessor[] } | undefined> {
  const name = env["OTEL_TRACES_SAMPLER"];
  if (name !== "parentbased_traceidratio" && name !== "traceidratio") return undefined;
  const share = Number(env["OTEL_TRACES_SAMPLER_ARG"] || 1);
  const byRatio = new TraceIdRatioBasedSampler(Number.isNaN(share) ? 1 : share);
  const sampler = name === "traceidratio" ? byRatio : new ParentBasedSampler({ root: byRatio });
  const batches = new BatchSpanProcessor({
    exporter: await createOtlpExporter(env),
    ...positiveNumber("maxQueueSize", env["OTEL_BSP_MAX_QUEUE_SIZE"]),
    ...positiveNumber("scheduledDelayMillis", env["OTEL_BSP_SCHEDULE_DELAY"]),
    ...positiveNumber("exportTimeoutMillis", env["OTEL_BSP_EXPORT_TIMEOUT"]),
    ...positiveNumber("maxExportBatchSize", env["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"]),
  });
  return {
    sampler: createAlwaysRecordSampler(sampler),
    spanProcessors: [new NotableSpanProcessor(batches)],
  };
}

async function createOtlpExporter(env: NodeJS.ProcessEnv): Promise<SpanExporter> {
  const protocol = otlpProtocol("TRACES", env);
  if (protocol === "grpc")
    return new (await import("@opentelemetry/exporter-trace-otlp-grpc")).OTLPTraceExporter();
  if (protocol === "http/json")
    return new (await import("@opentelemetry/exporter-trace-otlp-http")).OTLPTraceExporter();
  return new (await import("@opentelemetry/exporter-trace-otlp-proto")).OTLPTraceExporter();
}
