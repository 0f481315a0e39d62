import type { NodeSDK } from "@opentelemetry/sdk-node";

/** Traces on their way out. */
export interface Telemetry {
  /** Sends what is left, and ends. */
  shutdown(): Promise<void>;
}

/**
 * Starts OpenTelemetry, configured by the standard `OTEL_*` variables. Without an endpoint or an exporter among them
 * nothing is started, and every span is a no-op.
 */
export async function startTelemetry(serviceName: string, env: NodeJS.ProcessEnv): Promise<Telemetry> {
  const wanted = [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_TRACES_EXPORTER",
  ];
  const disabled = env["OTEL_SDK_DISABLED"] === "true" || env["OTEL_TRACES_EXPORTER"] === "none";
  if (disabled || !wanted.some((name) => env[name])) return { shutdown: async () => {} };

  // The other detectors ask cloud metadata servers at start. The SDK reads this variable by itself.
  env["OTEL_NODE_RESOURCE_DETECTORS"] ??= "env,host,process";
  // Loaded only where it is used: the SDK is most of a service's memory and start time.
  const { NodeSDK } = await import("@opentelemetry/sdk-node");
  const sdk: NodeSDK = new NodeSDK({ serviceName, instrumentations: [] });
  sdk.start();
  return { shutdown: () => sdk.shutdown() };
}
