import { spawn } from "node:child_process";
import { accessSync, constants, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { chromium, type Browser } from "playwright-core";
import { eventually } from "../../support/system.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
/** Without these, Chromium asks hosts of its maker at each start. */
const QUIET = [
  "--no-sandbox",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts a Chromium without windows. Its contexts are devices: each has its own storage. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: QUIET });
}

export interface KillableChromium {
  readonly browser: Browser;
  /** Ends all of its processes at once, as a crash or an empty battery does. */
  kill(): Promise<void>;
}

/** Starts a Chromium whose storage is in `profile`, a folder, and is still there after it was killed. */
export async function launchKillableChromium(profile: string): Promise<KillableChromium> {
  const portFile = join(profile, "DevToolsActivePort");
  rmSync(portFile, { force: true });
  const args = [...QUIET, "--headless", "--disable-gpu", "--remote-debugging-port=0"];
  // A process group of its own: killed as a whole.
  const child = spawn(findChromium(), [...args, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: "ignore",
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("Chromium did not start");
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const port = await eventually(async () => {
    const [line] = (await readFile(portFile, "utf8")).split("\n");
    if (!line) throw new Error("Chromium has not opened its port yet");
    return line;
  });
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
  return {
    browser,
    async kill() {
      process.kill(-pid, "SIGKILL");
      await ended;
    },
  };
}

/** Finds the program: `CHROMIUM_PATH`, or the first of its usual names on the `PATH`. */
function findChromium(): string {
  const given = process.env["CHROMIUM_PATH"];
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const candidates = given ? [given] : folders.flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const found = candidates.find(isExecutable);
  if (found === undefined)
    throw new Error(
      "These tests need Chromium: install it (Debian: apt-get install chromium), or set CHROMIUM_PATH to its program.",
    );
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
