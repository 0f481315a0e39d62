import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identifyProcess } from "./process-records.ts";
import { StackError } from "./stack-error.ts";

/** What a home folder remembers between runs. Secrets among it: the file is its owner's alone. */
export interface HomeSettings {
  /** The workspace of the development token; also the name of this home wherever one is needed. */
  readonly workspaceId: string;
  readonly jwtSecret: string;
  readonly postgresPassword: string;
  readonly redisPassword: string;
  postgresPort?: number;
  redisPort?: number;
}

/** Reads the settings of a home folder, and makes folder and settings where there are none. */
export function openHome(home: string): HomeSettings {
  makeHome(home);
  const known = readSettings(settingsPath(home));
  if (known !== undefined) return known;
  const settings: HomeSettings = {
    workspaceId: randomUUID(),
    jwtSecret: makeSecret(),
    postgresPassword: makeSecret(),
    redisPassword: makeSecret(),
  };
  saveSettings(home, settings);
  return settings;
}

/** Of a read-only file system Node says, for a folder with its parents, that it is not there: the plain call tells the truth. */
function makeHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    mkdirSync(home);
  }
}

/** @throws {@link StackError} when the file is there and does not hold the settings: its secrets cannot be made up again */
function readSettings(path: string): HomeSettings | undefined {
  let settings: Partial<HomeSettings>;
  try {
    settings = JSON.parse(readFileSync(path, "utf8")) as Partial<HomeSettings>;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    if (!(error instanceof SyntaxError)) throw error;
    settings = {};
  }
  const { workspaceId, jwtSecret, postgresPassword, redisPassword } = settings;
  const secrets = [workspaceId, jwtSecret, postgresPassword, redisPassword];
  if (secrets.every((secret) => typeof secret === "string" && secret !== "")) return settings as HomeSettings;
  throw new StackError(
    `${path} is damaged, and with it the passwords of the stores beside it: restore the file from a copy, ` +
      "or remove its whole folder to start with new data.",
  );
}

/** Writes changed settings back. */
export function saveSettings(home: string, settings: HomeSettings): void {
  writePrivateJson(settingsPath(home), settings);
}

/** Writes what only its owner may read; whoever reads it meanwhile sees the old or the new, never a half. */
export function writePrivateText(path: string, content: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, content, { mode: 0o600 });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true }); // a full disk leaves half of it
    throw error;
  }
}

/** {@link writePrivateText} of JSON. */
export function writePrivateJson(path: string, content: object): void {
  writePrivateText(path, `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Makes this process the only one that runs a stack from this folder.
 *
 * @returns gives the folder back.
 * @throws {@link StackError} when another one lives; nothing of it is touched.
 */
export function lockHome(home: string): () => void {
  const path = join(home, "supervisor.json");
  const content = JSON.stringify({ pid: process.pid, identity: identifyProcess(process.pid) });
  for (;;) {
    try {
      writeFileSync(path, content, { flag: "wx", mode: 0o600 });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) {
        rmSync(path, { force: true });
        throw error;
      }
    }
    const holder = readHolder(path);
    if (holder !== undefined && identifyProcess(holder.pid) === holder.identity) {
      throw new StackError(
        `Syncline is running from ${home} already (process ${holder.pid}; its addresses are in dev.json there). ` +
          `Stop that one first (Ctrl-C, or kill ${holder.pid}), or set SYNCLINE_HOME to another folder, ` +
          "and INGEST_PORT and CONFLICT_PORT to other ports, to run a second one beside it.",
      );
    }
    rmSync(path, { force: true }); // of one that was killed
  }
}

function readHolder(path: string): { pid: number; identity: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { pid: number; identity: string };
  } catch {
    return undefined; // given back in this moment, or cut short by a crash
  }
}

function settingsPath(home: string): string {
  return join(home, "settings.json");
}

function makeSecret(): string {
  return randomBytes(24).toString("hex");
}
