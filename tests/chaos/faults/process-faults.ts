import type { ServiceName } from "../chaos-system.ts";
import { inFlight, prove, startedAgain, type FaultContext, type FaultKind } from "./fault-kind.ts";

const SERVICE_NAMES: readonly ServiceName[] = ["ingest", "worker", "conflict"];

/** Ends of our processes: by force, and gracefully. */
export const PROCESS_FAULTS: readonly FaultKind[] = SERVICE_NAMES.flatMap((service) => [
  { name: `kill -9 of a ${service}`, strike: (context) => endOne(context, service, "SIGKILL") },
  { name: `SIGTERM to a ${service}`, strike: (context) => endOne(context, service, "SIGTERM") },
]);

const STOP_MS_MAX = 30_000;

async function endOne(
  context: FaultContext,
  service: ServiceName,
  signal: "SIGKILL" | "SIGTERM",
): Promise<string> {
  const victim = context.random.pick(context.system.processesOf(service));
  const operations = await inFlight(context);
  const { pid, ended } = victim;
  if (pid === undefined) throw new Error(`${victim.name} does not run`);
  const signalledAtMs = Date.now();
  await victim.kill(signal);
  const stopMs = Date.now() - signalledAtMs;
  const how = await ended;
  prove(
    `${victim.name} ended by the signal`,
    how === (signal === "SIGKILL" ? "signal SIGKILL" : "exit code 0"),
  );
  prove(`${victim.name} ended within ${STOP_MS_MAX / 1_000} s`, stopMs < STOP_MS_MAX);
  await startedAgain(victim, pid);
  return `${victim.name}: ${pid} ended after ${stopMs} ms (${how}), now ${victim.pid}; ${operations} operations in flight`;
}
