import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StackError } from "./stack-error.ts";

const HOST = "127.0.0.1";
/** Below the ranges from which systems take ports for outgoing connections, and for servers that ask for any port. */
const [PORT_MIN, PORT_END] = [15_000, 32_000];
/** A found port is its finder's for this long: time to start what will listen on it. */
const CLAIM_MS = 10 * 60_000;

/** Finds ports that nothing listens on, all different, and gives none of them to another process for a while. */
export async function findFreePorts(count: number): Promise<number[]> {
  dropOldClaims();
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(PORT_MIN, PORT_END);
    if (claim(port) && (await isPortFree(port))) ports.push(port);
  }
  return ports;
}

/** One file a port: two runs that start side by side would otherwise find a port free at the same moment. */
function claim(port: number): boolean {
  try {
    writeFileSync(join(claimsFolder(), String(port)), "", { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function dropOldClaims(): void {
  const folder = claimsFolder();
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const claimedAtMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - claimedAtMs > CLAIM_MS) rmSync(path, { force: true });
  }
}

function claimsFolder(): string {
  const folder = join(tmpdir(), `syncline-ports-${process.getuid?.() ?? "all"}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The port of last time where it is still free, so that addresses stay the same between runs; else a new one. */
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
  throw new StackError(`${variable} must be a port, a whole number from 1 to 65535, and not "${text}".`);
}

/** @throws {@link StackError} that names the port, who wanted it and the variable that moves it elsewhere. */
export async function requireFreePort(port: number, owner: string, variable: string): Promise<void> {
  if (await isPortFree(port)) return;
  throw new StackError(
    `Port ${port}, on which ${owner} would listen, is taken by another program. ` +
      `Stop that program, or set ${variable} to a free port.`,
  );
}

async function isPortFree(port: number): Promise<boolean> {
  // A listener on all addresses does not, on every system, keep us from binding one of them; it does answer there.
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
      socket.once("error", () => resolve(false)); // refused: nobody is there
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
