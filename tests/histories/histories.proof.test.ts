import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openFaults, type Faults } from "../faults/faults.ts";
import { tapLanes } from "../support/lane-tap.ts";
import { startSystem } from "../support/system.ts";
import { disturbedHistory, history, type History } from "./arbitraries.ts";
import { checkWorkspace } from "./check-workspace.ts";
import { LEAST_PER_THOUSAND } from "./classes.ts";
import { POINT_NAMES, startMischief } from "./mischief.ts";
import type { Count } from "./model.ts";
import { playHistory, type Stage } from "./play-history.ts";
import { replayHistory, runHistories } from "./run-histories.ts";
import { REFUSED_PREFIX } from "./sent-batch.ts";

const env = process.env;
const numberOf = (text: string | undefined, otherwise: number) => (text ? Number(text) : otherwise);
const FIXED_SEED = 1;
const FIXED_RUNS = 300;
const FRESH_RUNS = 40;
const FRESH_SEED = numberOf(env["HISTORY_SEED"], Date.now() % 2 ** 31);
/** The requested number of histories; by default as many as every CI run can afford. */
const RUNS = numberOf(env["HISTORY_RUNS"], 0);
/** Histories with faults take seconds to recover, so one in this number is enough. */
const RUNS_A_DISTURBED_ONE = 8;
const TIMEOUT_MS = 300_000 + 2_000 * RUNS;

const met = new Map<string, number>();
const count: Count = (what) => met.set(what, (met.get(what) ?? 0) + 1);
let operations = 0;
let conflicts = 0;

const POLICIES = "tests/histories/policies.ts";
/** Few lanes with a window, so that many entries share one; one round, so that the last round occurs. */
const SETTINGS = { LANES: "2", WINDOW_MS: "20", MERGE_ROUNDS_MAX: "1", POLICIES };
/** Many lanes, because a lane whose worker has died waits for seconds. */
const FAULTY_SETTINGS = {
  LANES: "32",
  MERGE_ROUNDS_MAX: "2",
  POLICIES,
  SWEEP_INTERVAL_MS: "1000",
  WORKER_CONCURRENCY: "2",
};

/** Starts a system, with or without faults, and plays on it. */
async function onStage<T>(isDisturbed: boolean, play: (stage: Stage) => Promise<T>): Promise<T> {
  let faults: Faults | undefined;
  if (isDisturbed) faults = await openFaults();
  const system = await startSystem(
    faults === undefined
      ? { ingests: 1, workers: 2, conflicts: 1, env: SETTINGS }
      : { ingests: 3, workers: 4, conflicts: 2, keepAlive: true, env: { ...FAULTY_SETTINGS, ...faults.env } },
  );
  try {
    await system.pool.query(
      `ALTER TABLE operations ADD CHECK (status <> 'success' OR client_id NOT LIKE '${REFUSED_PREFIX}%')`,
    );
    const tap = await tapLanes(system);
    const mischief = faults && startMischief(faults);
    try {
      return await play({ system, tap, ...(mischief && { mischief }) });
    } finally {
      await mischief?.stop();
      tap.stop();
    }
  } finally {
    await system.stop();
    faults?.close();
  }
}

async function play(one: History, stage: Stage): Promise<void> {
  for (const workspace of await playHistory(one, stage)) {
    const counts = await checkWorkspace(workspace, stage, count);
    operations += counts.operations;
    conflicts += counts.conflicts;
    stage.tap.forget(workspace.client.workspaceId);
  }
}

/** Histories played concurrently. Those with faults mostly wait for the locks of dead workers. */
const atOnce = ({ mischief }: Stage): number => (mischief === undefined ? 24 : 48);

async function run(runs: number, seed: number, stage: Stage): Promise<void> {
  const histories = stage.mischief === undefined ? history : disturbedHistory(POINT_NAMES);
  const startedAtMs = Date.now();
  await runHistories(histories, (one) => play(one, stage), { runs, seed, atOnce: atOnce(stage) });
  const perSecond = (runs * 1_000) / (Date.now() - startedAtMs);
  const kind = stage.mischief === undefined ? "histories" : "histories with faults";
  console.log(`${runs} ${kind} of seed ${seed}, ${perSecond.toFixed(1)} a second`);
}

/** Continues until every crash point was reached, including the rare ones. */
async function meetTheRest(seed: number, stage: Stage): Promise<void> {
  for (let time = 1; time <= 10; time++) {
    const left = POINT_NAMES.filter((name) => !stage.mischief?.met.has(name));
    if (left.length === 0) return;
    const histories = disturbedHistory(left);
    await runHistories(histories, (one) => play(one, stage), { runs: 24, seed: seed + time, atOnce: 24 });
  }
}

const file = env["HISTORY_FILE"];
describe.skipIf(!file)("a history", () => {
  it("is replayed", { timeout: TIMEOUT_MS }, async () => {
    const one = JSON.parse(readFileSync(file ?? "", "utf8")) as History;
    const isDisturbed = one.some((step) => step.fault !== undefined);
    await onStage(isDisturbed, (stage) =>
      replayHistory(one, (again) => play(again, stage), isDisturbed ? 3 : 20),
    );
  });
});

describe.skipIf(file)("histories", () => {
  const disturbedRuns = RUNS === 0 ? 16 : Math.floor(RUNS / RUNS_A_DISTURBED_ONE);
  const undisturbedRuns = RUNS === 0 ? FIXED_RUNS + FRESH_RUNS : RUNS - disturbedRuns;

  it("match the model", { timeout: TIMEOUT_MS }, async () => {
    await onStage(false, async (stage) => {
      if (RUNS === 0) await run(FIXED_RUNS, FIXED_SEED, stage);
      await run(RUNS === 0 ? FRESH_RUNS : undisturbedRuns, FRESH_SEED, stage);
    });
  });

  it("match the model, despite faults", { timeout: TIMEOUT_MS }, async () => {
    await onStage(true, async (stage) => {
      await run(disturbedRuns, FRESH_SEED, stage);
      const isMany = disturbedRuns >= POINT_NAMES.length;
      if (isMany) await meetTheRest(FRESH_SEED, stage);
      const met = stage.mischief?.met ?? new Map<string, number>();
      const faults = [...met.values()].reduce((sum, times) => sum + times, 0);
      console.log(`${faults} faults, at ${met.size} of ${POINT_NAMES.length} crash points`);
      expect(faults).toBeGreaterThan(disturbedRuns / 2);
      if (isMany) expect(POINT_NAMES.filter((name) => !met.has(name))).toEqual([]);
    });
  });

  it("meet every case often enough", () => {
    console.log(`${operations} operations and ${conflicts} conflicts were compared with the model`);
    if (env["HISTORY_VERBOSE"])
      console.log(Object.fromEntries([...met].sort(([one], [other]) => one.localeCompare(other))));
    const tooSeldom = Object.entries(LEAST_PER_THOUSAND).filter(
      ([what, least]) => (met.get(what) ?? 0) < demanded((least * undisturbedRuns) / 1_000),
    );
    expect(
      tooSeldom.map(
        ([what, least]) => `${what}: ${met.get(what) ?? 0}, but ${least} in 1000 histories expected`,
      ),
    ).toEqual([]);
  });
});

/**
 * The minimum for this number of histories. The average is three times as much, and rare cases vary: four standard
 * deviations are allowed, because about a hundred cases must each be met in every run.
 */
function demanded(least: number): number {
  if (least < 2.5) return 0;
  const average = 3 * least;
  return Math.max(1, Math.floor(Math.min(least, average - 4 * Math.sqrt(average))));
}
