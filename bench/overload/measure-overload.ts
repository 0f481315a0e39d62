import type { BenchSystem, Verdict } from "./bench-system.ts";
import type { SenderReport } from "./load.ts";
import { percentile, sumOf } from "./statistics.ts";

const WORKSPACES = 32;
const BATCH_OPERATIONS = 50;
const CONNECTIONS = [16, 32, 64];
const TIMES_CAPACITY = 5;
const GOODPUT_LEAST = 0.9;
const MEMORY_MIB_MAX = 1024;

/** Finds the most that can be done, then sends 5 times as much, at an even pace, whatever is refused. */
export async function measureOverload(
  system: BenchSystem,
  { seconds }: { seconds: number },
): Promise<Verdict[]> {
  const workspaceIds = Array.from({ length: WORKSPACES }, (_, n) => `workspace-${n}`);
  let acceptedBefore = 0;
  const add = (reports: readonly SenderReport[]) => {
    acceptedBefore += sumOf(reports, ({ accepted }) => accepted);
  };

  const calibrationSeconds = Math.min(10, seconds / 2);
  let capacity = 0;
  for (const connections of [8, ...CONNECTIONS]) {
    const reports = await system.load(
      calibrationSeconds,
      workspaceIds.slice(0, connections).map((workspaceId) => ({
        workspaceId,
        pace: { connections: Math.max(1, Math.floor(connections / WORKSPACES)) },
        operations: BATCH_OPERATIONS,
      })),
    );
    add(reports);
    const goodput = sumOf(reports, ({ done }) => done) / calibrationSeconds;
    console.log(
      `${connections} connections, each answered before it goes on: ${Math.round(goodput)} operations/s`,
    );
    capacity = Math.max(capacity, goodput);
  }

  const requestsPerSecond = (TIMES_CAPACITY * capacity) / BATCH_OPERATIONS / WORKSPACES;
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
  const committed = await system.committed();

  const goodput = sumOf(reports, ({ done }) => done) / seconds;
  const statuses = new Map<string, number>();
  for (const { countByStatus } of reports) {
    for (const [status, count] of Object.entries(countByStatus)) {
      statuses.set(status, (statuses.get(status) ?? 0) + count);
    }
  }
  const unsent = sumOf(reports, (report) => report.unsent);
  const sentOperations = ([...statuses.values()].reduce((a, b) => a + b, 0) * BATCH_OPERATIONS) / seconds;
  const latencies = reports.flatMap(({ latenciesMs }) => latenciesMs);
  console.log(
    `offered ${Math.round(TIMES_CAPACITY * capacity)} operations/s for ${seconds} s, sent ${Math.round(sentOperations)}; answers ${JSON.stringify(Object.fromEntries(statuses))}, requests not sent ${unsent}`,
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
