import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** A line of a service's log. */
export interface LogLine {
  /** The process's name: `worker-2`. */
  from: string;
  pid: number | undefined;
  level: string;
  /** By the process's own clock. */
  atMs: number;
  message: string;
  text: string;
}

/** Reads a set of logs: each call returns the lines since the last call. */
export class LogReader {
  readonly #logs: { name: string; logPath: string; offset: number; rest: string }[];

  constructor(processes: readonly { name: string; logPath: string }[]) {
    this.#logs = processes.map(({ name, logPath }) => ({ name, logPath, offset: 0, rest: "" }));
  }

  read(): LogLine[] {
    return this.#logs.flatMap((log) => {
      const lines = (log.rest + this.#readOn(log)).split("\n");
      log.rest = lines.pop() ?? "";
      return lines.filter((line) => line !== "").map((line) => parseLine(log.name, line));
    });
  }

  #readOn(log: { logPath: string; offset: number }): string {
    const file = openSync(log.logPath, "r");
    try {
      const bytes = Buffer.alloc(fstatSync(file).size - log.offset);
      log.offset += readSync(file, bytes, 0, bytes.length, log.offset);
      return bytes.toString("utf8");
    } finally {
      closeSync(file);
    }
  }
}

/** Parses a line; any other text, such as a stack trace on stderr, has the level `raw`. */
function parseLine(from: string, text: string): LogLine {
  try {
    const { level, time, msg, pid } = JSON.parse(text) as Record<string, unknown>;
    return {
      from,
      pid: typeof pid === "number" ? pid : undefined,
      level: String(level),
      atMs: Date.parse(String(time)),
      message: String(msg),
      text,
    };
  } catch {
    return { from, pid: undefined, level: "raw", atMs: Number.NaN, message: text, text };
  }
}
