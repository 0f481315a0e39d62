import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Who runs where: the load must not take from the system what it is measured by. */
export interface Cores {
  system: number[];
  load: number[];
}

/** Leaves the load one core of those that this process may use, and the system all others. */
export function shareCores(): Cores {
  const cores = coresOfThisProcess();
  if (cores.length < 2)
    throw new Error("it takes two cores: one for the load, and one at least for the system");
  return { system: cores.slice(0, -1), load: cores.slice(-1) };
}

/** Moves this process, and what it starts from now on. What it has started stays where it is. */
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
