import { logs, SeverityNumber, type Attributes } from "@opentelemetry/api";

/** Through a proxy: records go out once telemetry has started, where they are wanted. */
const logger = logs.getLogger("syncline");

const SEVERITY: Readonly<Record<string, SeverityNumber>> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  fatal: SeverityNumber.FATAL,
};

/** What a log line says, as {@link createLogger} writes it. The trace ids are the context's, which a record takes along. */
interface LogLine extends Attributes {
  level: string;
  time: string;
  msg?: string;
  err?: { type?: string; message?: string; stack?: string; code?: string };
}

/** Makes a log record of a line, where log records are wanted; what is not on stdout is not in there either. */
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
