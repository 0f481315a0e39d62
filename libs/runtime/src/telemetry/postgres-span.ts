import { SpanKind, trace } from "@opentelemetry/api";
import { inSpan } from "./tracing.ts";

/**
 * Runs something against Postgres in a span of its own, below the active one. Without one it is nobody's in particular: a
 * look-up that comes every second would be a trace every second.
 *
 * @param summary - what is asked, never with what values
 */
export async function inPostgresSpan<T>(summary: string, run: () => Promise<T>): Promise<T> {
  if (trace.getActiveSpan()?.isRecording() !== true) return run();
  return inSpan(
    summary,
    { kind: SpanKind.CLIENT, attributes: { "db.system.name": "postgresql", "db.query.summary": summary } },
    run,
  );
}
