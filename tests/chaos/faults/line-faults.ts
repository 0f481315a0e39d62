import { setTimeout as delay } from "node:timers/promises";
import type { LineFault, TcpProxy } from "../tcp-proxy.ts";
import { complaints, inFlight, prove, until, type FaultContext, type FaultKind } from "./fault-kind.ts";

type Store = "redis" | "postgres";

/** The time within which a half-open connection must be noticed. */
const NOTICED_MS_MAX = 60_000;
/** The duration of each line fault. */
const BAD_MS = { latency: 4_000, slow: 4_000, silent: 6_000, reset: 2_000 } as const;

/** The faults on the connections between the services and a store. */
export function lineFaults(store: Store): FaultKind[] {
  const storeName = store === "redis" ? "Redis" : "Postgres";
  const fault = (name: string, bad: LineFault): FaultKind => ({
    name: `${storeName}: ${name}`,
    strike: (context) => worsen(context, store, bad),
  });
  return [
    fault("100 ms more each way", { kind: "latency", ms: 100 }),
    fault("a line of 20 kB/s", { kind: "slow", bytesPerSecond: 20_000 }),
    fault("no answer", { kind: "silent" }),
    fault("connections reset", { kind: "reset" }),
    fault("connections half open", { kind: "half-open" }),
  ];
}

function lineTo({ system }: FaultContext, store: Store): TcpProxy {
  const line = system.lines[store];
  if (line === undefined) throw new Error("A cluster has no single line.");
  return line;
}

async function worsen(context: FaultContext, store: Store, bad: LineFault): Promise<string> {
  const line = lineTo(context, store);
  const before = line.harm();
  const operations = await inFlight(context);
  line.setFault(bad);
  try {
    if (bad.kind === "half-open") await untilNoticed(context, store);
    else await delay(BAD_MS[bad.kind]);
  } finally {
    line.setFault(undefined);
  }
  const after = line.harm();
  const delayedBytes = after.delayedBytes - before.delayedBytes;
  const lostBytes = after.lostBytes - before.lostBytes;
  const connections = after.connections - before.connections;
  const meanwhile = () =>
    `${operations} operations in flight, ${complaints(context)} warnings or errors logged`;
  if (bad.kind === "reset") {
    prove("connections were reset", connections > 0);
    await until("services complained", () => complaints(context) > 0);
    return `${connections} connections reset; ${meanwhile()}`;
  }
  if (bad.kind === "half-open") {
    prove("bytes were lost", lostBytes > 0);
    const noticedMs = Date.now() - context.beganAtMs;
    return `${connections} connections dead, ${lostBytes} bytes lost, all replaced after ${noticedMs} ms; ${meanwhile()}`;
  }
  prove("bytes were held up", delayedBytes > 0);
  return `${delayedBytes} bytes held up; ${meanwhile()}`;
}

/** New connections work, so the services recover once every process has noticed, while the old ones stay dead. */
async function untilNoticed(context: FaultContext, store: Store): Promise<void> {
  const { history, system, beganAtMs } = context;
  await until(
    "in-flight operations are answered, and all services are ready",
    async () => {
      if (!history.isSettledTo(beganAtMs) || lineTo(context, store).openConnections() === 0) return false;
      const ready = await Promise.all(system.processes().map((managed) => managed.isReady()));
      return ready.every(Boolean);
    },
    NOTICED_MS_MAX,
  );
}
