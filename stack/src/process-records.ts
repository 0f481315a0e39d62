import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * A record, in the home folder, of a process that we started. If its starter is killed, the next run finds it here and
 * can end exactly this process: a process id alone may since belong to another one.
 */
export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  /** See {@link identifyProcess}. */
  readonly identity: string;
  readonly startedAtMs: number;
  /** Sent one after the other until the process ends, the mildest first. */
  readonly stopSignals: readonly NodeJS.Signals[];
}

/** The time that a process has for each of its stop signals. A service takes up to 25 s to finish its work. */
export const STOP_STEP_MS = 40_000;
const POLL_MS = 20;

/**
 * The identity of a live process, which no later process with the same id can have: its start time within its boot.
 *
 * @returns `undefined` if there is no such process, or if it is a zombie
 */
export function identifyProcess(pid: number): string | undefined {
  return process.platform === "linux" ? identifyOnLinux(pid) : identifyByPs(pid);
}

/** The command line of a live process, or `""`. */
export function readCommandLine(pid: number): string {
  if (process.platform === "linux") return (readIfThere(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ");
  return askPs("command=", pid);
}

/** Records a process that was just started. Synchronous, so that it never runs unrecorded. */
export function recordProcess(
  home: string,
  process: Pick<ProcessRecord, "name" | "pid" | "stopSignals">,
): void {
  const identity = identifyProcess(process.pid);
  if (identity === undefined) return; // already ended
  const { name, pid, stopSignals } = process;
  const record: ProcessRecord = { name, pid, identity, startedAtMs: Date.now(), stopSignals };
  mkdirSync(recordsFolder(home), { recursive: true });
  writeFileSync(recordPath(home, pid), JSON.stringify(record), { mode: 0o600 });
}

/** Deletes the record of an ended process. A leftover record is harmless: it matches no process. */
export function forgetProcess(home: string, pid: number): void {
  try {
    rmSync(recordPath(home, pid), { force: true });
  } catch (error) {
    console.error(
      `The record of an ended process could not be removed from ${recordsFolder(home)}: ${String(error)}`,
    );
  }
}

/**
 * Ends every recorded process of this folder that still runs, the last started first.
 *
 * @returns the names of the processes that were ended
 */
export async function endRecordedProcesses(home: string): Promise<string[]> {
  const ended: string[] = [];
  for (const record of readRecords(home)) {
    if (isRunning(record)) {
      await endProcess(record);
      ended.push(record.name);
    }
    forgetProcess(home, record.pid);
  }
  return ended;
}

async function endProcess(record: ProcessRecord): Promise<void> {
  for (const signal of record.stopSignals) {
    sendSignal(record.pid, signal);
    const deadlineMs = Date.now() + STOP_STEP_MS;
    while (Date.now() < deadlineMs) {
      if (!isRunning(record)) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`${record.name} (process ${record.pid}) of an earlier run does not end: end it manually.`);
}

function isRunning(record: ProcessRecord): boolean {
  return identifyProcess(record.pid) === record.identity;
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (codeOf(error) !== "ESRCH") throw error; // it has just ended by itself
  }
}

function readRecords(home: string): ProcessRecord[] {
  let names: string[];
  try {
    names = readdirSync(recordsFolder(home));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
  return names
    .flatMap((name) => readRecord(join(recordsFolder(home), name)) ?? [])
    .toSorted((a, b) => b.startedAtMs - a.startedAtMs);
}

/** Reads a record and deletes an incomplete one, as a full disk leaves: its process was stopped immediately. */
function readRecord(path: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProcessRecord;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    rmSync(path, { force: true });
    return undefined;
  }
}

function recordsFolder(home: string): string {
  return join(home, "processes");
}

function recordPath(home: string, pid: number): string {
  return join(recordsFolder(home), `${pid}.json`);
}

function identifyOnLinux(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The second field, the program's name, may contain any characters; the later fields do not.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields;
  const startTicks = fields[19];
  if (state === "Z" || state === "X" || startTicks === undefined) return undefined;
  const boot = readIfThere("/proc/sys/kernel/random/boot_id") ?? "";
  return `${boot.trim()}:${startTicks}`;
}

function identifyByPs(pid: number): string | undefined {
  if (askPs("state=", pid).startsWith("Z")) return undefined;
  return askPs("lstart=", pid) || undefined;
}

function askPs(column: string, pid: number): string {
  try {
    return execFileSync("ps", ["-o", column, "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return ""; // `ps` fails for a process that does not exist
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ESRCH") return undefined;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
