import { logs, SeverityNumber, type Attributes } from "@opentelemetry/api";

/** A proxy: it exports records once telemetry has started, if logs are enabled. */
const logger = logs.getLogger("syncline");

const SEVERITY: Readonly<Record<string, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
};

/** A log line as {@link createLogger} writes it. A record takes its trace ids from the context. */
interface LogLine extends Attributes {
  level: string;
  time: string;
  msg?: string;
  err?: { type?: string; message?: string; stack?: string; code?: string };
}

/** Emits a log line as a log record, if logs are enabled. A record contains no more than the line on stdout. */
export function emitLogRecord(line: string): void {
  if (!logger.enabled()) return;
  const {
    level,
    time,
    msg,
    err,
    service: _,
    trace_id,
    span_id,
    trace_flags,
    ...rest
  } = JSON.parse(line) as LogLine;
  logger.emit({
    timestamp: new Date(time),
    severityNumber: SEVERITY[level] ?? SeverityNumber.UNSPECIFIED,
    severityText: level,
    body: msg ?? "",
    attributes: { ...rest, ...(err && exceptionOf(err)) },
  });
}

function exceptionOf({ type, message, stack, code }: NonNullable<LogLine["err"]>): Attributes {
  return {
    ...(type !== undefined && { "exception.type": type }),
    ...(message !== undefined && { "exception.message": message }),
    ...(stack !== undefined && { "exception.stacktrace": stack }),
    ...(code !== undefined && { "error.type": code }),
  };
}
