import { trace } from "@opentelemetry/api";
import pg from "pg";
import { pino, type Logger } from "pino";
import { emitLogRecord } from "./telemetry/log-records.ts";

export type { Logger };

/**
 * JSON lines on stdout, each with the trace that it was written in; the same as log records where OpenTelemetry is to
 * send them. Ids and counts go in, payloads never do.
 */
export function createLogger(options: { service: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.service },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
    mixin: traceIds,
    hooks: {
      streamWrite(line) {
        emitLogRecord(line);
        return line;
      },
    },
  });
}

/** Who did what, and from where: lines with `audit`, which are written whatever the level is. */
export function createAuditLog(log: Logger): Logger {
  return log.child({ audit: true }, { level: "info" });
}

/** In the names that OpenTelemetry gives them in log lines. */
function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined) return {};
  return { trace_id: span.traceId, span_id: span.spanId, trace_flags: `0${span.traceFlags.toString(16)}` };
}

/** What a log says of an error. Of one from Postgres neither message nor detail: both may quote a document. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  if (error instanceof pg.DatabaseError) {
    const { code, severity, schema, table, constraint, routine } = error;
    return { type: "DatabaseError", code, severity, schema, table, constraint, routine };
  }
  return {
    type: error.name,
    message: error.message,
    ...("code" in error ? { code: error.code } : {}),
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
