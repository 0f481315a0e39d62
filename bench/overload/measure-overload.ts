import type { BenchSystem, Verdict } from "./bench-system.ts";
import type { SenderReport } from "./load.ts";
import { percentile, sumOf } from "./statistics.ts";

const WORKSPACES = 32;
const BATCH_OPERATIONS = 50;
const CONNECTIONS = [8, 16, 32, 64, 128];
const TIMES_CAPACITY = 5;
const GOODPUT_LEAST = 0.9;
const MEMORY_MIB_MAX = 1024;

/** With so many connections, each of which is answered before it goes on. */
interface Highest {
  connections: number;
  goodput: number;
}

/** Finds the most that can be done, sends 5 times as much, at an even pace, whatever is refused, and looks at the most again. */
export async function measureOverload(
  system: BenchSystem,
  { seconds }: { seconds: number },
): Promise<Verdict[]> {
  const workspaceIds = Array.from({ length: WORKSPACES }, (_, n) => `workspace-${n}`);
  let acceptedBefore = 0;
  const add = (reports: readonly SenderReport[]) => {
    acceptedBefore += sumOf(reports, ({ accepted }) => accepted);
  };

  const answeredFirst = async (connections: number, forSeconds: number): Promise<Highest> => {
    const reports = await system.load(
      forSeconds,
      workspaceIds.slice(0, connections).map((workspaceId) => ({
        workspaceId,
        pace: { connections: Math.max(1, Math.floor(connections / WORKSPACES)) },
        operations: BATCH_OPERATIONS,
      })),
    );
    add(reports);
    const goodput = sumOf(reports, ({ done }) => done) / forSeconds;
    console.log(
      `${connections} connections for ${forSeconds} s, each answered before it goes on: ${Math.round(goodput)} operations/s`,
    );
    return { connections, goodput };
  };
  let best: Highest = { connections: 0, goodput: 0 };
  for (const connections of CONNECTIONS) {
    const found = await answeredFirst(connections, Math.min(10, seconds / 2));
    if (found.goodput > best.goodput) best = found;
  }
  // As long as what it is compared with, and once more behind it: the database grows, is vacuumed, and gets slower.
  const before = await answeredFirst(best.connections, seconds);

  const requestsPerSecond = (TIMES_CAPACITY * before.goodput) / BATCH_OPERATIONS / WORKSPACES;
  const healthMs: number[] = [];
  const most = { ingestMiB: 0, workerMiB: 0, redisMiB: 0, operations: 0, bytes: 0 };
  const loaded = new AbortController();
  const watch = (async () => {
    while (!loaded.signal.aborted) {
      healthMs.push(await system.healthMs());
      const now = { ...(await system.memory()), ...(await system.waiting()) };
      for (const name of Object.keys(most) as (keyof typeof most)[])
        most[name] = Math.max(most[name], now[name]);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  })();
  const reports = await system.load(
    seconds,
    workspaceIds.map((workspaceId) => ({
      workspaceId,
      pace: { requestsPerSecond },
      operations: BATCH_OPERATIONS,
    })),
  );
  loaded.abort();
  await watch;
  add(reports);
  await system.committed();
  const after = await answeredFirst(best.connections, seconds);
  const committed = await system.committed();

  const capacity = (before.goodput + after.goodput) / 2;
  const goodput = sumOf(reports, ({ done }) => done) / seconds;
  const statuses = new Map<string, number>();
  for (const { countByStatus } of reports) {
    for (const [status, count] of Object.entries(countByStatus)) {
      statuses.set(status, (statuses.get(status) ?? 0) + count);
    }
  }
  const unsent = sumOf(reports, (report) => report.unsent);
  const latencies = reports.flatMap(({ latenciesMs }) => latenciesMs);
  console.log(
    `offered ${Math.round(TIMES_CAPACITY * before.goodput)} operations/s for ${seconds} s; answers ${JSON.stringify(Object.fromEntries(statuses))}, requests not sent ${unsent}`,
  );
  console.log(
    `of what was done: p50 ${Math.round(percentile(latencies, 0.5))} ms, p99 ${Math.round(percentile(latencies, 0.99))} ms; health p99 ${Math.round(percentile(healthMs, 0.99))} ms`,
  );
  console.log(
    `most at once: ingest ${Math.round(most.ingestMiB)} MiB, worker ${Math.round(most.workerMiB)} MiB, Redis ${Math.round(most.redisMiB)} MiB; ${most.operations} operations and ${most.bytes} bytes waited`,
  );
  return [
    {
      what: `goodput at ${TIMES_CAPACITY} times capacity: ${Math.round(goodput)} of ${Math.round(capacity)} operations/s, ${(goodput / capacity).toFixed(2)}`,
      holds: goodput >= GOODPUT_LEAST * capacity,
    },
    {
      what: `accepted ${acceptedBefore} operations, committed ${committed}`,
      // Of a request whose connection broke nobody knows.
      holds: [...statuses.keys()].some((status) => !/^\d+$/.test(status))
        ? committed >= acceptedBefore
        : committed === acceptedBefore,
    },
    {
      what: `every refusal says when to come again`,
      holds: sumOf(reports, ({ withoutRetryAfter }) => withoutRetryAfter) === 0,
    },
    {
      what: `no process took more than ${MEMORY_MIB_MAX} MiB`,
      holds: Math.max(most.ingestMiB, most.workerMiB, most.redisMiB) <= MEMORY_MIB_MAX,
    },
    {
      what: `health answered ${healthMs.length} times of ${healthMs.length}`,
      holds: !healthMs.some(Number.isNaN),
    },
  ];
}
