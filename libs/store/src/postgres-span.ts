import { activeSpan, inSpan, SpanKind } from "@syncline/kit/telemetry";

/**
 * Runs statements in a span below the active one. Without an active span it creates none: a poll that runs every second
 * would create a trace every second.
 *
 * @param summary - names the statement, without its values
 */
export async function inPostgresSpan<T>(summary: string, run: () => Promise<T>): Promise<T> {
  if (!activeSpan().isRecording()) return run();
  return inSpan(
    summary,
    { kind: SpanKind.CLIENT, attributes: { "db.system.name": "postgresql", "db.query.summary": summary } },
    run,
  );
}
