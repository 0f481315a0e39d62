import { diag, DiagLogLevel } from "@opentelemetry/api";
import type { Logger } from "./log.ts";
import { readSignals } from "./signals.ts";

/** The running telemetry of a process. */
export interface Telemetry {
  /** Returns the metrics in Prometheus' text format; `undefined` if scraping is disabled. */
  readonly scrape: (() => Promise<string>) | undefined;
  /** Exports the remaining telemetry, within {@link SHUTDOWN_TIMEOUT_MS}, and ends. */
  shutdown(): Promise<void>;
}

/** An unresponsive collector must not delay the end of a process. */
const SHUTDOWN_TIMEOUT_MS = 5_000;

/**
 * Starts OpenTelemetry, configured by the standard `OTEL_*` variables. Loads only the required parts: without an
 * endpoint every span is a no-op and no log record is created; with metrics disabled as well, there is no SDK at all.
 */
export async function startTelemetry(
  serviceName: string,
  env: NodeJS.ProcessEnv,
  log: Logger,
): Promise<Telemetry> {
  const { traces, metrics, logs } = readSignals(env);
  if (traces.length + metrics.length + logs.length === 0) {
    return { scrape: undefined, shutdown: async () => {} };
  }
  // OpenTelemetry's own errors, mostly that it cannot reach the collector.
  const report = (reason: string) => log.warn({ reason }, "OpenTelemetry reported a problem");
  const silent = () => {};
  diag.setLogger(
    { error: report, warn: report, info: silent, debug: silent, verbose: silent },
    DiagLogLevel.WARN,
  );

  const { describeService } = await import("./describe-service.ts");
  const resource = await describeService(serviceName);
  const shutdowns: (() => Promise<void>)[] = [];
  let scrape: Telemetry["scrape"];
  if (metrics.length > 0) {
    const { startMetrics } = await import("./start-metrics.ts");
    const started = await startMetrics({ exporters: metrics, resource, env, log });
    scrape = started.scrape;
    shutdowns.push(started.shutdown);
  }
  if (traces.length + logs.length > 0) {
    const [{ NodeSDK }, { createTraceSampling }] = await Promise.all([
      import("@opentelemetry/sdk-node"),
      import("./trace-sampling.ts"),
    ]);
    env["OTEL_LOGS_EXPORTER"] = logs.join(",") || "none";
    // Baggage is not used here, and looking for it would cost at every step.
    env["OTEL_PROPAGATORS"] ??= "tracecontext";
    const sdk = new NodeSDK({
      resource,
      autoDetectResources: false,
      metricReaders: [],
      ...(traces.length === 0 && { spanProcessors: [] }),
      ...(traces.join() === "otlp" && (await createTraceSampling(env))),
    });
    sdk.start();
    shutdowns.push(() => sdk.shutdown());
  }

  return {
    scrape,
    async shutdown() {
      const done = Promise.all(shutdowns.map((shutdown) => shutdown()));
      const { promise: late, resolve } = Promise.withResolvers<"late">();
      const timer = setTimeout(() => resolve("late"), SHUTDOWN_TIMEOUT_MS);
      try {
        if ((await Promise.race([done, late])) === "late") log.warn("the last telemetry could not be sent");
      } catch (error) {
        log.warn({ err: error }, "the last telemetry could not be sent");
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
