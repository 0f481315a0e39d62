import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StackError } from "./stack-error.ts";

const HOST = "127.0.0.1";
/** Below the ranges from which systems take ports for outgoing connections and for servers that ask for any port. */
const [PORT_MIN, PORT_END] = [15_000, 32_000];
/** The time that a found port is reserved, in which its program must start to listen on it. */
const CLAIM_MS = 10 * 60_000;

/** Finds distinct ports that no program listens on, and reserves them for a while. */
export async function findFreePorts(count: number): Promise<number[]> {
  const claims = openClaims();
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(PORT_MIN, PORT_END);
    if (claim(claims, port) && (await isPortFree(port))) ports.push(port);
  }
  return ports;
}

/**
 * Opens the folder of claims, one file a port, and drops old ones. Without it two runs that start side by side could find
 * a port free at the same moment.
 * @returns `undefined` if the folder cannot be used, which must not prevent a start
 */
function openClaims(): string | undefined {
  const folder = join(tmpdir(), `syncline-ports-${process.getuid?.() ?? "all"}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      const claimedAtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (Date.now() - claimedAtMs > CLAIM_MS) rmSync(path, { force: true });
    }
    return folder;
  } catch {
    return undefined;
  }
}

/** Returns false if the port is claimed already. */
function claim(folder: string | undefined, port: number): boolean {
  if (folder === undefined) return true;
  try {
    writeFileSync(join(folder, String(port)), "", { flag: "wx" });
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "EEXIST");
  }
}

/** Returns the previous port if it is still free, so that URLs stay the same between runs; otherwise a new one. */
export async function keepOrFindPort(remembered: number | undefined): Promise<number> {
  if (remembered !== undefined && (await isPortFree(remembered))) return remembered;
  const [port] = await findFreePorts(1);
  if (port === undefined) throw new Error("unreachable: one port was asked for");
  return port;
}

/** Reads a port from an environment variable. */
export function readPort(env: NodeJS.ProcessEnv, variable: string, fallback: number): number {
  const text = env[variable];
  if (text === undefined || text === "") return fallback;
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new StackError(`${variable} must be a port, a whole number from 1 to 65535, but is "${text}".`);
}

/**
 * Requires that a port is free.
 *
 * @throws {@link StackError} that names the port, its intended program and the variable that changes it
 */
export async function requireFreePort(port: number, owner: string, variable: string): Promise<void> {
  if (await isPortFree(port)) return;
  throw new StackError(
    `Port ${port}, on which ${owner} would listen, is taken by another program. ` +
      `Stop that program, or set ${variable} to a free port.`,
  );
}

async function isPortFree(port: number): Promise<boolean> {
  // A listener on all addresses does not prevent binding one of them on every system, but it answers there.
  if (await isAnswering(port)) return false;
  try {
    await close(await listen(port));
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EADDRINUSE") return false;
    if (code === "EACCES")
      throw new StackError(`Port ${port} may not be used by this user: choose one above 1023.`);
    throw error;
  }
}

async function isAnswering(port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port, timeout: 1_000 });
  try {
    return await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("timeout", () => resolve(false));
      socket.once("error", () => resolve(false)); // refused: no program listens
    });
  } finally {
    socket.destroy();
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  server.listen(port, HOST);
  await once(server, "listening");
  return server;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
