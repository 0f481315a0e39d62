import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** A line of a service's log. */
export interface LogLine {
  /** The process' name: `worker-2`. */
  from: string;
  pid: number | undefined;
  level: string;
  /** When, by the process' own clock. */
  atMs: number;
  message: string;
  text: string;
}

/** Reads on in a set of logs: each call gives what was written since the last. */
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

/** What is no line of ours, a stack trace on stderr say, has the level `raw`. */
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
