/** The exporters of each signal, named as in `OTEL_*_EXPORTER`. */
export interface Signals {
  readonly traces: readonly string[];
  readonly metrics: readonly string[];
  readonly logs: readonly string[];
}

const NONE: Signals = { traces: [], metrics: [], logs: [] };

/**
 * Reads the standard variables. A signal without an exporter is sent by OTLP if an endpoint is set. Metrics can also be
 * scraped unless `OTEL_METRICS_EXPORTER` says otherwise.
 */
export function readSignals(env: NodeJS.ProcessEnv): Signals {
  if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return NONE;
  const exportersOf = (signal: string, besides: readonly string[] = []): string[] => {
    const named = (env[`OTEL_${signal}_EXPORTER`] ?? "").split(",").flatMap((name) => name.trim() || []);
    if (named.includes("none")) return [];
    if (named.length > 0) return [...new Set(named)];
    const endpoint = env["OTEL_EXPORTER_OTLP_ENDPOINT"] || env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`];
    return endpoint ? ["otlp", ...besides] : [...besides];
  };
  return {
    traces: exportersOf("TRACES"),
    metrics: exportersOf("METRICS", ["prometheus"]),
    logs: exportersOf("LOGS"),
  };
}
