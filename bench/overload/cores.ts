import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The assignment of processes to cores, so that the load takes no CPU from the system under test. */
export interface Cores {
  system: number[];
  load: number[];
}

/** Gives the load one of the cores that this process may use, and the system all others. */
export function shareCores(): Cores {
  const cores = coresOfThisProcess();
  if (cores.length < 2)
    throw new Error(
      "the overload benchmark needs two cores: one for the load, and at least one for the system",
    );
  return { system: cores.slice(0, -1), load: cores.slice(-1) };
}

/** Moves this process and its future children. Children that already run stay on their cores. */
export function moveTo(cores: readonly number[]): void {
  execFileSync("taskset", ["--all-tasks", "--pid", "--cpu-list", cores.join(","), String(process.pid)]);
}

/** @returns the numbers in a list such as `0-2,5` */
function coresOfThisProcess(): number[] {
  const list = /Cpus_allowed_list:\s+(\S+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, n) => first + n);
  });
}
