import { connect } from "node:net";
import type { System } from "./system.ts";

/** A command that Redis executed, including those inside scripts. */
export interface ExecutedCommand {
  database: string;
  args: string[];
}

const LINE = /^\+[\d.]+ \[(\d+) [^\]]*\] (.*)$/;
const ARGUMENT = /"((?:[^"\\]|\\.)*)"/g;
const ESCAPED = /\\(?:x([0-9a-f]{2})|(.))/gi;
const CONTROL: Record<string, string> = { n: "\n", r: "\r", t: "\t", a: "\u0007", b: "\b" };

/**
 * Monitors all commands that Redis executes, in order. Uses a raw connection: while ioredis switches to monitoring, it
 * mistakes monitored commands for replies.
 *
 * @returns a function that ends it
 */
export function monitorRedis(
  redis: System["redis"],
  onCommand: (command: ExecutedCommand) => void,
): Promise<() => void> {
  const { host = "127.0.0.1", port = 6379, username, password } = redis.options;
  const { promise, resolve, reject } = Promise.withResolvers<() => void>();
  const socket = connect({ host, port });
  socket.setEncoding("latin1");
  socket.once("error", reject);
  if (password) socket.write(encode(["AUTH", ...(username ? [username] : []), password]));
  socket.write(encode(["MONITOR"]));
  let rest = "";
  socket.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\r\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("-")) reject(new Error(line));
      if (line === "+OK") resolve(() => socket.destroy());
      const [, database, args] = LINE.exec(line) ?? [];
      if (database === undefined || args === undefined) continue;
      onCommand({ database, args: [...args.matchAll(ARGUMENT)].map(([, text = ""]) => decode(text)) });
    }
  });
  return promise;
}

function encode(args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

function decode(text: string): string {
  const bytes = text.replaceAll(ESCAPED, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (CONTROL[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}
