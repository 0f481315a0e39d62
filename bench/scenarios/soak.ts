import { syncline } from "../contenders/syncline.ts";
import { setTimeout as delay } from "node:timers/promises";
import { readMemoryMb } from "../measure/process-cpu.ts";
import { requestRateOf, medianOf, find } from "../ratios.ts";
import { round } from "../report/tables.ts";
import { takeRounds, withContenders } from "../rounds.ts";
import type { Goal, Scenario } from "../scenario.ts";

const SHAPE = { operations: 100, connections: 16 };
const SERVICES = ["ingest", "worker", "conflict"] as const;
const SAMPLES = 60;
/** The number of samples in one row of the table. */
const SAMPLES_A_ROW = 5;
/** The bound below which memory counts as flat: the rhythm of a garbage collector alone reaches it. */
const FLAT_MB_AN_HOUR = 10;

/** Memory of the services under half of the highest load, for the duration of `--soak`. */
export const soak: Scenario = {
  name: "soak",
  title: "memory under load",
  // Takes minutes to be meaningful.
  quick: false,
  async run({ stores, rounds, soakMinutes, say }) {
    const durationMs = soakMinutes * 60_000;
    const samples: { atMs: number; memoryMb: Record<string, number> }[] = [];
    await withContenders(
      { stores, shape: SHAPE, ...rounds },
      [syncline({ work: "updates" })],
      async (race) => {
        const atMost = await takeRounds(race, rounds);
        const requestsPerSecond = medianOf(find(atMost, "syncline"), requestRateOf) / 2;
        say(`  ${soakMinutes} minutes at ${round(requestsPerSecond)} requests/s`);
        await takeRounds(race, { rounds: 1, roundMs: durationMs }, async ({ load, processes }) => {
          const stopped = new AbortController();
          const sampling = sample(samples, processes, durationMs / SAMPLES, stopped.signal);
          try {
            return await load.runOpen(durationMs, requestsPerSecond);
          } finally {
            stopped.abort();
            await sampling;
          }
        });
      },
    );
    // The first third fills caches and compiles code.
    const settled = samples.slice(Math.floor(samples.length / 3));
    const of = (name: string) =>
      settled.map(({ atMs, memoryMb }) => [atMs / 3_600_000, memoryMb[name] ?? NaN] as const);
    const slopes = SERVICES.map((name) => slope(of(name)));
    const most = SERVICES.map((name) => Math.max(...of(name).map(([, mb]) => mb)));
    const beside = SERVICES.map(
      (name, i) => `${name} ${round(slopes[i] ?? NaN)} MB an hour, ${round(most[i] ?? NaN)} MB`,
    );
    const goal = { better: "lower", beside: `after ${soakMinutes} minutes: ${beside.join("; ")}` } as const;
    const goals: Goal[] = [
      {
        what: "memory of a service under load: growth",
        ratio: Math.max(...slopes),
        unit: "MB an hour",
        firstBar: FLAT_MB_AN_HOUR,
        goal: FLAT_MB_AN_HOUR,
        ...goal,
      },
      {
        what: "memory of a service under load: most",
        ratio: Math.max(...most),
        unit: "MB",
        firstBar: Infinity,
        goal: 150,
        ...goal,
      },
    ];
    const columns = ["minute", ...SERVICES];
    const shown = samples.filter((_, index) => (index + 1) % SAMPLES_A_ROW === 0);
    const rows = shown.map(({ atMs, memoryMb }) => [
      round(atMs / 60_000),
      ...SERVICES.map((name) => round(memoryMb[name] ?? NaN)),
    ]);
    return { goals, tables: [{ title: "Memory under load, MB", columns, rows }] };
  },
};

async function sample(
  samples: { atMs: number; memoryMb: Record<string, number> }[],
  processes: Parameters<typeof readMemoryMb>[0],
  intervalMs: number,
  signal: AbortSignal,
): Promise<void> {
  const startMs = performance.now();
  while (!signal.aborted) {
    await delay(intervalMs, undefined, { signal }).catch(() => undefined);
    samples.push({ atMs: performance.now() - startMs, memoryMb: readMemoryMb(processes) });
  }
}

/** Computes the slope by least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (pick: (point: readonly [number, number]) => number) =>
    points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const [meanX, meanY] = [mean(([x]) => x), mean(([, y]) => y)];
  const covariance = mean(([x, y]) => (x - meanX) * (y - meanY));
  return covariance / mean(([x]) => (x - meanX) ** 2);
}
