import { readFileSync } from "node:fs";

/** Clock ticks per second in `/proc`, the same on all architectures that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * Returns the CPU time of a process in milliseconds, `undefined` if it has ended. Where the system does not tell (it is
 * not Linux), returns the time of day instead: then a CPU limit bounds the elapsed time.
 */
export function readCpuMs(pid: number): number | undefined {
  if (process.platform !== "linux") return performance.now();
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field, the program's name, may contain any characters; the later fields do not.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [fields[11], fields[12]].map(Number);
  return ((Number(user) + Number(system)) * 1_000) / TICKS_PER_SECOND;
}
