import { readdirSync, readFileSync } from "node:fs";

/** The unit of /proc/PID/stat: always 100 a second for programs, whatever the kernel's own clock. */
const TICKS_PER_SECOND = 100;

/** Process ids by their names in the tables. A Postgres is its postmaster and that process's children. */
export type ProcessGroups = Readonly<Record<string, readonly number[]>>;

/** CPU seconds that the groups have used so far, including those of ended children. Linux only: elsewhere NaN. */
export function readCpuSeconds(groups: ProcessGroups): Record<string, number> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, pids]) => [
      name,
      pids.flatMap(withChildren).reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
    ]),
  );
}

/** Megabytes that the groups hold in memory; shared pages count for each process. */
export function readMemoryMb(groups: ProcessGroups): Record<string, number> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + memoryMbOf(pid), 0)]),
  );
}

export function subtract(
  after: Record<string, number>,
  before: Record<string, number>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}

function cpuSecondsOf(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return process.platform === "linux" ? 0 : NaN;
  // The name, in brackets, may hold spaces. utime, stime, cutime and cstime are fields 14 to 17.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

function memoryMbOf(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? "");
  return found === null ? NaN : Number(found[1]) / 1024;
}

function withChildren(pid: number): number[] {
  const threads = list(`/proc/${pid}/task`);
  const children = threads.flatMap((thread) =>
    (read(`/proc/${pid}/task/${thread}/children`) ?? "").split(" ").filter((child) => child !== ""),
  );
  return [pid, ...children.map(Number).flatMap(withChildren)];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // the process has ended, or the system is not Linux
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
