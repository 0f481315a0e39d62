import { median, quantilesOf } from "../measure/quantiles.ts";
import type { BenchSystem, Verdict } from "./bench-system.ts";
import type { SenderReport } from "./load.ts";
import { createWatch } from "./watch.ts";

const BATCH_OPERATIONS = 50;
const CONNECTIONS = [8, 16, 32, 64, 128];
const TIMES_CAPACITY = 5;
/** Capacity differs by a tenth from one minute to the next, so one round is not enough. */
const ROUNDS = 3;
const GOODPUT_LEAST = 0.9;
const MEMORY_MIB_MAX = 1024;
const workspaceIds = Array.from({ length: 32 }, (_, n) => `workspace-${n}`);

/**
 * Finds the highest throughput, and sends 5 times as much at an even pace, whatever is refused. Each round is compared
 * with the throughput right before and right after it, because the database grows and gets slower.
 */
export async function measureOverload(
  system: BenchSystem,
  { seconds }: { seconds: number },
): Promise<Verdict[]> {
  const all: SenderReport[] = [];
  /** @returns operations a second over this number of connections, each waiting for its answer */
  async function measureMost(connections: number, forSeconds: number): Promise<number> {
    const reports = await system.load(
      forSeconds,
      workspaceIds.slice(0, connections).map((workspaceId) => ({
        workspaceId,
        pace: { connections: Math.max(1, Math.floor(connections / workspaceIds.length)) },
        operations: BATCH_OPERATIONS,
      })),
    );
    all.push(...reports);
    const most = doneOf(reports) / forSeconds;
    console.log(
      `${connections} connections for ${forSeconds} s, each waiting for its answer: ${Math.round(most)} operations/s`,
    );
    return most;
  }

  let best = { connections: 0, most: 0 };
  for (const connections of CONNECTIONS) {
    const most = await measureMost(connections, Math.min(10, seconds / 2));
    if (most > best.most) best = { connections, most };
  }

  const watch = createWatch(system);
  const ratios: number[] = [];
  let before = await measureMost(best.connections, seconds);
  for (let round = 1; round <= ROUNDS; round++) {
    const offered = TIMES_CAPACITY * before;
    const pace = { requestsPerSecond: offered / BATCH_OPERATIONS / workspaceIds.length };
    const reports = await watch.during(() =>
      system.load(
        seconds,
        workspaceIds.map((workspaceId) => ({ workspaceId, pace, operations: BATCH_OPERATIONS })),
      ),
    );
    all.push(...reports);
    await system.committed();
    const behind = await measureMost(best.connections, seconds);
    const goodput = doneOf(reports) / seconds;
    const ratio = goodput / ((before + behind) / 2);
    ratios.push(ratio);
    console.log(
      `${Math.round(offered)} operations/s offered for ${seconds} s: ${Math.round(goodput)} operations/s, ${ratio.toFixed(3)} of the highest; ${describe(reports)}`,
    );
    before = behind;
  }
  const committed = await system.committed();

  const { most, healthMs } = watch;
  console.log(
    `peak: ingest ${Math.round(most.ingestMiB)} MiB, worker ${Math.round(most.workerMiB)} MiB, Redis ${Math.round(most.redisMiB)} MiB; backlog ${most.operations} operations, ${most.bytes} bytes`,
  );
  const healthy = healthMs.filter((ms) => !Number.isNaN(ms));
  console.log(`health p99 ${Math.round(quantilesOf(healthy).p99)} ms`);
  const accepted = sumOf(all, (report) => report.accepted);
  const anyBroke = all.some(({ countByStatus }) =>
    Object.keys(countByStatus).some((status) => !/^\d+$/.test(status)),
  );
  return [
    {
      what: `goodput at ${TIMES_CAPACITY} times capacity: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")} of the highest throughput, median ${median(ratios).toFixed(3)}`,
      holds: median(ratios) >= GOODPUT_LEAST,
    },
    {
      what: `accepted ${accepted} operations, committed ${committed}`,
      // The fate of a request with a broken connection is unknown.
      holds: anyBroke ? committed >= accepted : committed === accepted,
    },
    {
      what: `every refusal has Retry-After`,
      holds: sumOf(all, ({ withoutRetryAfter }) => withoutRetryAfter) === 0,
    },
    {
      what: `no process used more than ${MEMORY_MIB_MAX} MiB`,
      holds: Math.max(most.ingestMiB, most.workerMiB, most.redisMiB) <= MEMORY_MIB_MAX,
    },
    {
      what: `health answered ${healthy.length} times of ${healthMs.length}`,
      holds: healthy.length === healthMs.length,
    },
  ];
}

function doneOf(reports: readonly SenderReport[]): number {
  return sumOf(reports, ({ done }) => done);
}

function sumOf(reports: readonly SenderReport[], numberOf: (report: SenderReport) => number): number {
  return reports.reduce((sum, report) => sum + numberOf(report), 0);
}

/** @returns the answers by status and the latencies, for the report */
function describe(reports: readonly SenderReport[]): string {
  const statuses: Record<string, number> = {};
  for (const { countByStatus } of reports) {
    for (const [status, count] of Object.entries(countByStatus)) {
      statuses[status] = (statuses[status] ?? 0) + count;
    }
  }
  const { p50, p99 } = quantilesOf(reports.flatMap(({ latenciesMs }) => latenciesMs));
  const unsent = sumOf(reports, (report) => report.unsent);
  return `answers ${JSON.stringify(statuses)}, requests not sent ${unsent}; successful ones p50 ${Math.round(p50)} ms, p99 ${Math.round(p99)} ms`;
}
