import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identifyProcess } from "./process-records.ts";
import { StackError } from "./stack-error.ts";

/** The settings that a home folder keeps between runs. They include secrets, so only the owner may read the file. */
export interface HomeSettings {
  /** The workspace of the development token; also the name of this home if one is needed. */
  readonly workspaceId: string;
  readonly jwtSecret: string;
  readonly postgresPassword: string;
  readonly redisPassword: string;
  postgresPort?: number;
  redisPort?: number;
}

/** Reads the settings of a home folder, and creates the folder and the settings if they are missing. */
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

/**
 * Creates the folder. On a read-only file system a recursive `mkdir` reports ENOENT; the plain call reports the real
 * error.
 */
function makeHome(home: string): void {
  try {
    mkdirSync(home, { recursive: true });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    mkdirSync(home);
  }
}

/**
 * Reads the settings file, if it exists.
 *
 * @throws {@link StackError} if the file does not contain the settings: its secrets cannot be generated again
 */
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
      "or remove the whole folder to start with new data.",
  );
}

/** Writes changed settings back. */
export function saveSettings(home: string, settings: HomeSettings): void {
  writePrivateJson(settingsPath(home), settings);
}

/** Writes a file for its owner only, atomically: a reader sees the old or the new content, never a part of it. */
export function writePrivateText(path: string, content: string): void {
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, content, { mode: 0o600 });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true }); // a full disk leaves an incomplete file
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
 * @returns a function that releases the folder
 * @throws {@link StackError} if another process holds the folder; that process is left alone
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
    rmSync(path, { force: true }); // left by a killed process
  }
}

function readHolder(path: string): { pid: number; identity: string } | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { pid: number; identity: string };
  } catch {
    return undefined; // just released, or incomplete after a crash
  }
}

function settingsPath(home: string): string {
  return join(home, "settings.json");
}

function makeSecret(): string {
  return randomBytes(24).toString("hex");
}
