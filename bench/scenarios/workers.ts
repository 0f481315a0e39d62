import { syncline } from "../contenders/syncline.ts";
import { startProxy } from "../proxy/start-proxy.ts";
import { median } from "../measure/quantiles.ts";
import { compareRounds, find, medianOf, rateOf } from "../ratios.ts";
import { measuredTable, round } from "../report/tables.ts";
import { takeRounds, withContenders, type RunLoad } from "../rounds.ts";
import type { Scenario } from "../scenario.ts";
import { onDatabase } from "../database/on-database.ts";
import type { Stores } from "../database/stores.ts";
import { GROUND } from "../workload/documents.ts";

const DELAY_MS = 5;
const WORKERS = [1, 2, 4];
/**
 * One workspace a device: all are known once the first batch is answered, and ingest needs no lookup while the database
 * is unreachable.
 */
const SHAPE = { operations: 100, connections: GROUND.workspaces };

/**
 * The gain of more workers with a distant database. Each drains one lane at a time and mostly waits, so a few cores are
 * enough to see whether four of them wait at once. They work off batches accepted while the database was unreachable;
 * sending at the same time would need cores, too.
 */
export const workers: Scenario = {
  name: "workers",
  title: `1, 2 and 4 workers, ${DELAY_MS} ms to the database, a backlog of batches of ${SHAPE.operations}`,
  quick: true,
  async run({ stores, rounds }) {
    const env = {
      WORKER_CONCURRENCY: "1",
      WINDOW_OPERATIONS_MAX: "100",
      WORKSPACE_WAITING_OPERATIONS_MAX: "100000",
    };
    const contenders = WORKERS.map((count) =>
      syncline({ name: nameOf(count), workers: count, env, isAsync: true, databaseDelayMs: DELAY_MS }),
    );
    const addedMs = await measureDelay(stores);
    const measured = await withContenders({ stores, shape: SHAPE, ...rounds }, contenders, (race) =>
      takeRounds(race, { ...rounds, roundMs: rounds.roundMs / 5 }, workOff),
    );
    const one = find(measured, nameOf(1));
    const two = find(measured, nameOf(2));
    const four = find(measured, nameOf(4));
    const ratio = compareRounds(four, one, rateOf);
    return {
      goals: [
        {
          what: `workers 1 → 4, ${DELAY_MS} ms to the database`,
          ratio: ratio.median,
          spread: ratio.spread,
          unit: "times one worker",
          better: "higher",
          firstBar: 3,
          goal: 3.7,
          beside: `${round(medianOf(one, rateOf))}/s, ${round(medianOf(two, rateOf))}/s, ${round(medianOf(four, rateOf))}/s with 1, 2 and 4; a round trip through the proxy takes ${round(addedMs)} ms more`,
        },
      ],
      tables: [measuredTable(workers.title, measured)],
      measured,
    };
  },
};

/** Lets batches pile up, and times their application. */
const workOff: RunLoad = async ({ load, database }, durationMs) => {
  if (database === undefined) throw new Error("the database is not behind a proxy");
  await database.hold();
  const sent = await load.runClosed(durationMs);
  return { ...sent, elapsedMs: await database.release(sent.operations) };
};

function nameOf(count: number): string {
  return count === 1 ? "1 worker" : `${count} workers`;
}

/** Measures the proxy's actual delay: timers have a resolution of whole milliseconds. */
async function measureDelay(stores: Stores): Promise<number> {
  const targetUrl = await stores.createEmptyDatabase();
  const proxy = await startProxy({ targetUrl, roundTripMs: DELAY_MS });
  try {
    return (await roundTripMs(proxy.url)) - (await roundTripMs(targetUrl));
  } finally {
    await proxy.stop();
  }
}

function roundTripMs(url: string): Promise<number> {
  return onDatabase(url, async (client) => {
    const samples: number[] = [];
    for (let i = 0; i < 50; i++) {
      const startMs = performance.now();
      await client.query("SELECT 1");
      samples.push(performance.now() - startMs);
    }
    return median(samples);
  });
}
