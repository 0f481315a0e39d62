import { trace } from "@opentelemetry/api";
import pg from "pg";
import { pino, type Logger } from "pino";
import { emitLogRecord } from "./telemetry/log-records.ts";

export type { Logger };

/**
 * Creates a logger that writes JSON lines to stdout, each with its trace. If OpenTelemetry exports logs, the same lines
 * are sent as log records. Lines contain ids and counts, never payloads.
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

/**
 * Creates the audit log: lines with `audit`, which name the subject, the action and the address. They are written at
 * every log level.
 */
export function createAuditLog(log: Logger): Logger {
  return log.child({ audit: true }, { level: "info" });
}

/** The active trace, under the names that OpenTelemetry defines for log lines. */
function traceIds(): object {
  const span = trace.getActiveSpan()?.spanContext();
  if (span === undefined) return {};
  return { trace_id: span.traceId, span_id: span.spanId, trace_flags: `0${span.traceFlags.toString(16)}` };
}

/** Describes an error for the log. A Postgres error loses its message and detail: both may quote a document. */
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
