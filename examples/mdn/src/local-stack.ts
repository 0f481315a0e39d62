import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Connection } from "./http-client.ts";
import { isJsonObject } from "./json.ts";

const REPOSITORY = fileURLToPath(new URL("../../..", import.meta.url));
/** A first start may have to install Redis. */
const START_TIMEOUT_MS = 5 * 60_000;
const POLL_MS = 200;
const OUTPUT_CHARACTERS_KEPT = 4_000;
const EXIT_CODE_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 };

/** A running Syncline. `stop` ends it if it was started here, and leaves it running otherwise. */
export interface LocalStack {
  readonly connection: Connection;
  stop(): Promise<void>;
}

/** Uses the stack that `npm start` runs; if none answers, starts one for the duration of the example. */
export async function openLocalStack(): Promise<LocalStack> {
  const running = await findReadyStack();
  if (running !== undefined) return { connection: running, stop: async () => {} };

  console.log("No Syncline is running, so one is started for this run (npm start keeps one running).");
  // A process group of its own, so that Ctrl-C reaches the stack only once, through stop.
  const child = spawn(process.execPath, ["scripts/bootstrap.mjs", "stack/src/start.ts"], {
    cwd: REPOSITORY,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const exited = once(child, "exit");
  const readOutput = keepOutput(child);
  const stop = async (): Promise<void> => {
    if (!hasExited(child)) child.kill("SIGTERM");
    await exited;
  };
  for (const [signal, exitCode] of Object.entries(EXIT_CODE_BY_SIGNAL)) {
    process.once(signal, () => void stop().then(() => process.exit(exitCode)));
  }

  const giveUpAt = performance.now() + START_TIMEOUT_MS;
  while (performance.now() < giveUpAt && !hasExited(child)) {
    const connection = await findReadyStack();
    if (connection !== undefined) return { connection, stop };
    await delay(POLL_MS);
  }
  await stop();
  throw new Error(`Syncline could not be started; npm start ended with:\n${readOutput()}`);
}

async function findReadyStack(): Promise<Connection | undefined> {
  const connection = await readDevFile();
  if (connection === undefined) return undefined;
  try {
    const response = await fetch(new URL("/readyz", connection.ingestUrl), {
      signal: AbortSignal.timeout(2_000),
    });
    await response.arrayBuffer();
    return response.ok ? connection : undefined;
  } catch {
    return undefined; // No server listens there: the file is from an earlier start.
  }
}

/** Reads the stack's address and token from the file that `npm start` writes for tools. */
async function readDevFile(): Promise<Connection | undefined> {
  const path = join(process.env["SYNCLINE_HOME"] ?? join(REPOSITORY, ".syncline"), "dev.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  const dev: unknown = JSON.parse(text);
  if (isJsonObject(dev)) {
    const { ingestUrl, token, workspaceId } = dev;
    if (typeof ingestUrl === "string" && typeof token === "string" && typeof workspaceId === "string") {
      return { ingestUrl, token, workspaceId };
    }
  }
  throw new Error(`${path} lacks ingestUrl, token or workspaceId; delete it and run npm start again`);
}

function keepOutput(child: ChildProcess): () => string {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-OUTPUT_CHARACTERS_KEPT);
    });
  }
  return () => output;
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
