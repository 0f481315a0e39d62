import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, existsSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, StackError } from "./stack-error.ts";

const SERVERS = ["redis-server", "valkey-server"];
const POLICY_FILE = "/usr/sbin/policy-rc.d";
/** The longest wait for another run of the package manager, such as a machine's first updates. */
const LOCK_MINUTES_MAX = 10;
const LOCK_POLL_MS = 1_000;

/** The package managers that can install Redis, and if they need root. */
const PACKAGE_MANAGERS = [
  {
    program: "apt-get",
    asRoot: true,
    commands: [
      ["apt-get", "update", "-qq"],
      ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "redis-server"],
    ],
  },
  { program: "apk", asRoot: true, commands: [["apk", "add", "--no-cache", "redis"]] },
  { program: "brew", asRoot: false, commands: [["brew", "install", "redis"]] },
];

/**
 * Returns the path of a Redis (or Valkey) server. If there is none, installs it with the system's package manager, if
 * this user may.
 *
 * @throws {@link StackError} that names the package to install
 */
export async function findRedisServer(say: (line: string) => void, signal?: AbortSignal): Promise<string> {
  const found = findOnPath(SERVERS);
  if (found !== undefined) return found;

  const isRoot = process.getuid?.() === 0;
  const manager = PACKAGE_MANAGERS.find(({ program, asRoot }) => asRoot === isRoot && findOnPath([program]));
  if (manager === undefined) throw missing("there is no redis-server or valkey-server on the PATH");

  say(`No Redis on this machine: installing it with ${manager.program}, which may take a minute.`);
  const allowDaemons = forbidDaemons();
  try {
    for (const command of manager.commands) await runUnlocked(command, say, signal);
  } catch (error) {
    throw missing(`installing it failed (${messageOf(error)})`);
  } finally {
    allowDaemons();
  }
  const installed = findOnPath(SERVERS);
  if (installed === undefined) throw missing("the installed package has no redis-server");
  say(`Installed ${installed}, which stays on this machine; its service was not started.`);
  return installed;
}

function missing(reason: string): StackError {
  return new StackError(
    `Syncline needs Redis and ${reason}: install Redis 7 or Valkey (for example apt-get install redis-server, ` +
      "brew install redis), or set REDIS_URL to a running one.",
  );
}

function findOnPath(programs: readonly string[]): string | undefined {
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/bin",
    "/usr/local/bin",
    "/opt/homebrew/bin",
  ];
  return programs
    .flatMap((program) => folders.map((folder) => join(folder, program)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false; // missing, or not executable for this user
      }
    });
}

/** Prevents Debian from starting a daemon when its package is installed, because only the program is needed. */
function forbidDaemons(): () => void {
  if (!existsSync("/usr/sbin/invoke-rc.d") || existsSync(POLICY_FILE)) return () => undefined;
  writeFileSync(POLICY_FILE, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  return () => rmSync(POLICY_FILE, { force: true });
}

/**
 * Runs a package manager's command, again for as long as another run of the package manager holds its lock, within
 * {@link LOCK_MINUTES_MAX}.
 *
 * @throws {@link StackError} with the last line that the command wrote
 */
export async function runUnlocked(
  command: readonly string[],
  say: (line: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const giveUpAtMs = Date.now() + LOCK_MINUTES_MAX * 60_000;
  for (let isFirst = true; ; isFirst = false) {
    try {
      await run(command, signal);
      return;
    } catch (error) {
      // The option DPkg::Lock::Timeout of apt-get does not cover its lists, and other package managers have none.
      const isLocked = /(get|acquire|unable to) (a )?lock|locked by/i.test(messageOf(error));
      if (!isLocked || Date.now() > giveUpAtMs) throw error;
      if (isFirst)
        say(
          `Another program installs packages: waiting for it, for ${LOCK_MINUTES_MAX} minutes at most (${messageOf(error)}).`,
        );
      await delay(LOCK_POLL_MS, undefined, { ...(signal && { signal }) });
    }
  }
}

/**
 * Runs a command.
 *
 * @throws {@link StackError} with the line that reports its failure, otherwise the last one that it wrote
 */
async function run(command: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const [program = "", ...args] = command;
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"], ...(signal && { signal }) });
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => output.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  if (code === 0) return;
  const lines = Buffer.concat(output).toString().trim().split("\n");
  // The first error names the cause; the last line is often only its consequence.
  const reason = lines.find((line) => /^(E|ERROR|Error): /.test(line)) ?? lines.at(-1) ?? "";
  throw new StackError(`${command.join(" ")} ended with ${code}: ${reason}`);
}
