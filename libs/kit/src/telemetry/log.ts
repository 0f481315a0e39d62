import { trace } from "@opentelemetry/api";
import { pino, type Logger } from "pino";
import { emitLogRecord } from "./log-records.ts";

export type { Logger };

/** Describes an error for the log; `undefined` if the error is of another kind. */
export type DescribeError = (error: Error) => Record<string, unknown> | undefined;

/**
 * Creates a logger that writes JSON lines to stdout, each with its trace. If OpenTelemetry exports logs, the same lines
 * are sent as log records. Lines contain ids and counts, never payloads.
 *
 * @param options.describeError - describes errors whose messages may quote a payload, such as a database's
 */
export function createLogger(options: {
  service: string;
  level: string;
  describeError?: DescribeError;
}): Logger {
  return pino({
    level: options.level,
    base: { service: options.service },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: (error: unknown) => describe(error, options.describeError) },
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

function describe(error: unknown, describeError: DescribeError | undefined): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  return (
    describeError?.(error) ?? {
      type: error.name,
      message: error.message,
      ...("code" in error ? { code: error.code } : {}),
      stack: error.stack,
      ...(error.cause === undefined ? {} : { cause: describe(error.cause, describeError) }),
    }
  );
}
