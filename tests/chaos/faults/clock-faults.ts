import { setTimeout as delay } from "node:timers/promises";
import { SERVICES, type ServiceName } from "../chaos-system.ts";
import type { LogLine } from "../log-reader.ts";
import { until, type FaultContext, type FaultKind } from "./fault-kind.ts";

const HOUR_MS = 3_600_000;
const SHIFTED_MS = 3_000;

/** Clock changes, in one process of each service at once. */
export const CLOCK_FAULTS: readonly FaultKind[] = [
  { name: "clocks an hour ahead", strike: (context) => shiftClocks(context, HOUR_MS) },
  { name: "clocks an hour back", strike: (context) => shiftClocks(context, -HOUR_MS) },
];

/** Waits for failures meanwhile, because the clock also affects the delays of retries. */
async function shiftClocks(context: FaultContext, shiftMs: number): Promise<string> {
  const { system, random, logged } = context;
  const shifted = (Object.keys(SERVICES) as ServiceName[]).map((service) =>
    random.pick(system.processesOf(service)),
  );
  const pids = shifted.map(({ pid }) => pid ?? 0);
  for (const pid of pids) system.control.shiftClock(pid, shiftMs);
  const isShifted = ({ atMs }: LogLine) => Math.abs(atMs - Date.now() - shiftMs) < HOUR_MS / 2;
  const countLines = (name: string) =>
    logged().filter((line) => line.from === name && isShifted(line)).length;
  try {
    await until("each process logs with the changed clock", () =>
      shifted.every(({ name }) => countLines(name) > 0),
    );
    await system.pool.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'syncline-worker'",
    );
    await delay(SHIFTED_MS);
  } finally {
    for (const [index, pid] of pids.entries()) {
      if (shifted[index]?.pid === pid) system.control.shiftClock(pid, 0);
    }
  }
  const lines = shifted.map(({ name }) => `${countLines(name)} of ${name}`);
  return `lines logged by those clocks: ${lines.join(", ")}`;
}
