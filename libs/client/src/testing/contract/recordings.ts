import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Exchange } from "./session.ts";

const FILE = new URL("recorded.json", import.meta.url);

/** The exchanges of each scenario, by its name. */
export type Recordings = Record<string, Exchange[]>;

/** Reads the exchanges that were recorded from the server. */
export function readRecordings(): Recordings {
  return existsSync(FILE) ? (JSON.parse(readFileSync(FILE, "utf8")) as Recordings) : {};
}

/** Writes the recordings, an exchange on each line. */
export function writeRecordings(recordings: Recordings): void {
  const scenarios = Object.entries(recordings).map(([name, exchanges]) => {
    const lines = exchanges.map((exchange) => `    ${JSON.stringify(exchange)}`);
    return `  ${JSON.stringify(name)}: [\n${lines.join(",\n")}\n  ]`;
  });
  writeFileSync(FILE, `{\n${scenarios.join(",\n")}\n}\n`);
}

/** The form in which JSON keeps a value. */
export function asRecorded(exchanges: readonly Exchange[]): Exchange[] {
  return JSON.parse(JSON.stringify(exchanges)) as Exchange[];
}
