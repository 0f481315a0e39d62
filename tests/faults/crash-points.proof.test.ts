import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, LANE_COUNT, startSystem, type System } from "../support/system.ts";
import { openFaults, type Faults, type Recording } from "./faults.ts";
import { armPoint, isCovered, POINTS, type ArmedPoint, type CrashPoint, type Story } from "./points.ts";
import {
  Interrupted,
  marksOf,
  placeOn,
  playScenario,
  readTables,
  type Outcome,
  type Place,
} from "./scenario.ts";

/**
 * The timers of a recovery: the locks of dead workers last 5 s and are checked every 2 s; a point may have several
 * faults.
 */
const RECOVERY_TIMERS_MS = 40_000;
/** The bound of a recovery, as a multiple of an undisturbed concurrent story, besides its timers. */
const RECOVERY_STORIES = 10;
/** Published messages to all ingests reach a live one only while no other point kills them. */
const LANE_FOR_INGEST = 0;
/** The lane of the undisturbed stories. */
const LANE_OF_REFERENCE = LANE_COUNT - 1;

/** Steps after the last answer are taken within this time, or within a few undisturbed stories. */
const AFTERMATH_MS = 5_000;
const AFTERMATH_STORIES = 3;
const TRIES_MAX = 10;

/** CRASH_POINTS selects points by a regular expression on their names. */
const points = POINTS.filter(({ name }) => new RegExp(process.env["CRASH_POINTS"] ?? "").test(name));

let faults: Faults;
let system: System;
let recording: Recording;
let expected: Record<Story, Outcome>;
/** Durations in milliseconds of the undisturbed stories, oldest first: the machine's pace. */
const referenceDurationsMs: number[] = [];
const failureByPoint = new Map<CrashPoint, unknown>();

/** Many points are tried at once, each on a lane of its own, so that a wait for a lock delays no other point. */
beforeAll(async () => {
  faults = await openFaults();
  const env = {
    ...faults.env,
    SWEEP_INTERVAL_MS: "1000",
    // A crash interrupts no other lane's work.
    WORKER_CONCURRENCY: "1",
    CONFLICT_CONCURRENCY: "1",
  };
  system = await startSystem({ ingests: 3, conflicts: 3, workers: 8, keepAlive: true, env });
  recording = await faults.record();
  expected = {
    plain: await playScenario("plain", { system, faults }, placeOn(0)),
    contended: await playScenario("contended", { system, faults }, placeOn(0)),
    outrun: await playScenario("outrun", { system, faults }, placeOn(0)),
    refused: await playScenario("refused", { system, faults }, placeOn(0)),
    decided: await playScenario("decided", { system, faults }, placeOn(0)),
    deferred: await playScenario("deferred", { system, faults }, placeOn(0)),
  };
  const isOfIngest = ({ faults }: CrashPoint) => faults.at(-1)?.service === "ingest";
  const ofIngest = points.filter(isOfIngest).values();
  const others = points.filter((point) => !isOfIngest(point)).values();
  const tryPointsOn = async (lane: number) => {
    for (const point of lane === LANE_FOR_INGEST ? ofIngest : others) {
      await tryPoint(point, lane).catch((error: unknown) => failureByPoint.set(point, error));
    }
  };
  const tried = Promise.all(Array.from({ length: LANE_OF_REFERENCE }, (_, lane) => tryPointsOn(lane)));
  await playReferenceUntil(tried);
  await recording.stop();
}, 3_600_000);
afterAll(async () => {
  await system.stop();
  faults.close();
});

/** Plays one undisturbed story after the other, beside the disturbed ones, to measure the machine's current pace. */
async function playReferenceUntil(tried: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  void tried.finally(() => over.abort());
  while (!over.signal.aborted) {
    const startedAtMs = performance.now();
    expect(await playScenario("plain", { system, faults }, placeOn(LANE_OF_REFERENCE))).toEqual(
      expected.plain,
    );
    referenceDurationsMs.push(performance.now() - startedAtMs);
  }
  await tried;
}

/** Tries a point again if another point's fault prevented it, or killed another participant. */
async function tryPoint(point: CrashPoint, lane: number): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    if (await isMetAndMended(point, placeOn(lane))) return;
  }
  throw new Error(`The point was not reached in ${TRIES_MAX} tries`);
}

async function isMetAndMended(point: CrashPoint, place: Place): Promise<boolean> {
  const wanted = expected[point.during];
  const startedAtMs = performance.now();
  const referencesBefore = referenceDurationsMs.length;
  let armed: ArmedPoint | undefined;
  let stepsAtHit = 0;
  const begin = async () => {
    armed = await armPoint(faults, point, marksOf(place));
    void armed.hit.then(() => (stepsAtHit = recording.steps.length));
  };
  try {
    expect(await playScenario(point.during, { system, faults }, place, begin)).toEqual(wanted);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    await armed?.disarm();
    return false;
  }
  const durationMs = performance.now() - startedAtMs;
  const referenceMs = await slowestReferenceSince(referencesBefore);
  expect(durationMs).toBeLessThan(RECOVERY_TIMERS_MS + RECOVERY_STORIES * referenceMs);
  if (armed === undefined) throw new Error("unreachable: the scenario begins");

  const aftermathMs = AFTERMATH_MS + AFTERMATH_STORIES * referenceMs;
  const hit = await Promise.race([armed.hit, delay(aftermathMs, undefined)]);
  if (hit === undefined) {
    await armed.disarm();
    return false;
  }
  const { action } = point.faults.at(-1) ?? {};
  if (action === "crash") {
    const { ingests, conflicts, workers } = system.syncline;
    await eventually(async () => {
      const pids = [...ingests, ...conflicts, ...workers].map((service) => service.pid);
      expect(pids).not.toContain(hit.pid);
    });
  }
  if (action === "stall") {
    // Resumes after another process has done its work. Its effects are complete when it leaves the job, which is then
    // replaced by a newer one, or gone.
    await eventually(async () => {
      const after = recording.steps.slice(stepsAtHit).filter(({ pid }) => pid === hit.pid);
      expect(after.map(({ step }) => step)).toContainEqual(
        expect.stringMatching(/\.(moveToFinished|moveToDelayed|updateData)$/),
      );
    });
  }
  const { answers: _, lost: __, ...tables } = wanted;
  expect(await readTables(system, place)).toEqual(tables);
  return true;
}

/** The longest undisturbed story that ended since, in milliseconds; waits for the first one if there is none. */
async function slowestReferenceSince(count: number): Promise<number> {
  await eventually(async () => expect(referenceDurationsMs.length).toBeGreaterThan(count));
  return Math.max(...referenceDurationsMs.slice(count));
}

describe("an undisturbed story", () => {
  it("applies each operation once, in order, all or nothing", () => {
    const merged = { title: "of Ben", text: "of Ben", items: [1, 2, 3], note: "of Cay" };
    const list = (version: number, more: object = {}) =>
      expect.objectContaining({ document_id: "list", version, data: { ...merged, ...more } });
    expect(expected.plain.documents).toContainEqual(list(7));
    expect(expected.contended.documents).toContainEqual(list(9, { more: "of Ben", by: "Ann" }));
    expect(expected.outrun.documents).toContainEqual(list(8, { more: "of Ben" }));
    for (const { conflicts } of [expected.plain, expected.contended, expected.outrun]) {
      expect(conflicts.length).toBeGreaterThan(1);
      expect(conflicts).toEqual(conflicts.map(() => expect.objectContaining({ status: "resolved" })));
    }
    expect(expected.refused.operations).toMatchObject([
      { client: "create list", status: "success" },
      { client: "refused bad", status: "error", error_type: "operation_refused" },
      { client: "refused fine", status: "success" },
      { client: "refused good", status: "success" },
      { client: "refused next", status: "success" },
    ]);
    expect(expected.decided.documents).toContainEqual(
      expect.objectContaining({
        document_id: "list",
        version: 3,
        data: { title: "of Ben", text: "", items: [] },
      }),
    );
    expect(expected.decided.documents).toContainEqual(
      expect.objectContaining({ document_id: "late", version: 2, data: { name: "late", early: true } }),
    );
    expect(expected.decided.decisions).toMatchObject([{ choice: "local", client: "decide", version: 3 }]);
    for (const { changes, lost } of Object.values(expected)) {
      expect(lost).toEqual([]);
      expect(changes).toEqual(changes.map((_, index) => expect.objectContaining({ seq: index + 1 })));
    }
    const { refused: _, ...others } = expected;
    for (const { operations } of Object.values(others)) {
      expect(operations).toEqual(operations.map(() => expect.objectContaining({ status: "success" })));
    }
  });
});

describe("a story ends like an undisturbed one, by itself and within seconds, at", () => {
  it.each(points.map((point) => [point.name, point] as const))("%s", (_name, point) => {
    if (failureByPoint.has(point)) throw failureByPoint.get(point);
  });
});

describe("no process", () => {
  it("died except at its crash points: all output is log lines", () => {
    const lines = system.syncline.logs().split("\n");
    expect(lines.filter((line) => !/^($|\{|== )/.test(line))).toEqual([]);
  });
});

describe("the points", () => {
  it("cover every step that was taken", () => {
    const uncovered = recording.steps.filter(({ service, step }) => !isCovered(service, step));
    expect([...new Set(uncovered.map(({ service, step }) => `${service}: ${step}`))]).toEqual([]);
  });
});
