import { quantilesOf } from "../measure/quantiles.ts";
import type { AbuseClient, AbuseSystem } from "./abuse-system.ts";
import type { Figure } from "./case.ts";

/** The latencies of other subjects during an attack. */
export interface Notice {
  /** The latency of each request to `/healthz`, by service, in milliseconds. */
  readonly healthMs: readonly number[];
  /** The latency of each small batch of another workspace, in milliseconds. */
  readonly othersMs: readonly number[];
  /** Small batches without a 200, or without success. */
  readonly othersFailed: number;
}

const STRANGERS = 4;
const NEIGHBOURS = 2;
const PAUSE_MS = 100;
const HEALTH_TIMEOUT_MS = 30_000;

/** Other workspaces that write continuously, two of them on the attacked workspace's lane. */
export interface Bystanders {
  readonly during: (action: () => Promise<void>) => Promise<Notice>;
}

export async function createBystanders(system: AbuseSystem, neighbourOf: string): Promise<Bystanders> {
  const clients = await Promise.all([
    ...Array.from({ length: STRANGERS }, () => system.createClient()),
    ...Array.from({ length: NEIGHBOURS }, () => system.createClient({ neighbourOf })),
  ]);
  // Warms up connections and caches.
  await Promise.all(clients.map(write));
  const { conflictUrls, ingestUrls, workerUrls } = system.syncline;
  const healthUrls = [...ingestUrls, ...conflictUrls, ...workerUrls].map((url) => `${url}/healthz`);

  return {
    async during(action) {
      const done = new AbortController();
      const healthMs: number[] = [];
      const othersMs: number[] = [];
      let othersFailed = 0;
      const repeating = async (step: () => Promise<void>) => {
        while (!done.signal.aborted) {
          await step();
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
      };
      const watching = [
        ...healthUrls.map((url) => repeating(async () => void healthMs.push(await answerMs(url)))),
        ...clients.map((client) =>
          repeating(async () => {
            const beganAtMs = performance.now();
            if (!(await write(client))) othersFailed += 1;
            othersMs.push(performance.now() - beganAtMs);
          }),
        ),
      ];
      try {
        await action();
      } finally {
        done.abort();
        await Promise.all(watching);
      }
      return { healthMs, othersMs, othersFailed };
    },
  };
}

/** Compares the latencies of other subjects with the bars that hold for every case. */
export function figuresOf({ healthMs, othersMs, othersFailed }: Notice): Figure[] {
  return [
    {
      what: "slowest /healthz",
      value: quantilesOf(healthMs).max,
      unit: "ms",
      bar: { atMost: 1_000 },
    },
    { what: "other workspaces, p50", value: quantilesOf(othersMs).p50, unit: "ms" },
    {
      what: "other workspaces, p99",
      value: quantilesOf(othersMs).p99,
      unit: "ms",
      bar: { atMost: 1_000 },
    },
    {
      what: "requests of other workspaces that failed",
      value: othersFailed,
      unit: `of ${othersMs.length}`,
      bar: { atMost: 0 },
    },
  ];
}

async function write(client: AbuseClient): Promise<boolean> {
  try {
    const { results } = await client.send([
      { operation: "put", document_id: "note", data: { text: "a note", at: Date.now() } },
    ]);
    return results[0]?.status === "success";
  } catch {
    return false;
  }
}

/** Measures the time to an answer; infinite, unless the answer is 200. */
async function answerMs(url: string): Promise<number> {
  const beganAtMs = performance.now();
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) });
    await answer.body?.cancel();
    return answer.ok ? performance.now() - beganAtMs : Infinity;
  } catch {
    return Infinity;
  }
}
