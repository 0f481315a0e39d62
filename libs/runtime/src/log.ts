import { pino, type Logger } from "pino";

export type { Logger };

/** JSON lines on stdout. Ids and counts go in, payloads never do. */
export function createLogger(options: { service: string; level: string }): Logger {
  return pino({
    level: options.level,
    base: { service: options.service },
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
}
