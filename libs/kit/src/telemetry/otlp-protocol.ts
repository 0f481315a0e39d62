export type OtlpProtocol = "grpc" | "http/json" | "http/protobuf";

/** The OTLP protocol of a signal. Unknown values count as the default. */
export function otlpProtocol(signal: "TRACES" | "METRICS", env: NodeJS.ProcessEnv): OtlpProtocol {
  const named = env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] || env["OTEL_EXPORTER_OTLP_PROTOCOL"];
  return named === "grpc" || named === "http/json" ? named : "http/protobuf";
}
