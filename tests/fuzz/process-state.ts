import { readdirSync, readFileSync } from "node:fs";
import type { ManagedProcess } from "@syncline/stack";

/** The resources of a process. Only Linux reports them. */
export interface ProcessState {
  name: string;
  pid: number;
  memoryMiB: number;
  openFiles: number;
}

export function stateOf(managed: ManagedProcess): ProcessState {
  const { name, pid } = managed;
  if (pid === undefined) throw new Error(`${name} does not run`);
  const resident = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return {
    name,
    pid,
    memoryMiB: Math.round(Number(resident) / 1024),
    openFiles: readdirSync(`/proc/${pid}/fd`).length,
  };
}
