import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/**
 * CPU seconds used by all programs on this machine, including time that its host gave to others. Linux only: elsewhere
 * NaN.
 */
export function readMachineCpuSeconds(): number {
  if (process.platform !== "linux") return NaN;
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) / 100;
}

/** Computes the share of the machine's CPU that went to programs outside the measurement. */
export function shareOfOthers(machineSeconds: number, ourSeconds: number, elapsedMs: number): number {
  const capacitySeconds = (availableParallelism() * elapsedMs) / 1_000;
  return Math.max(0, machineSeconds - ourSeconds) / capacitySeconds;
}
