export type LogLevel = "debug" | "info" | "warn" | "error";

/** Receives the client's log. Fields hold ids and counts, never documents. */
export type Log = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, string | number | boolean | undefined>>,
) => void;
