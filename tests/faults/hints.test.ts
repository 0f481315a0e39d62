import type { ChangesBody } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient, eventually, startSystem, type System } from "../support/system.ts";
import type { Fault } from "./fault.ts";
import { openFaults, type Faults } from "./faults.ts";
import type { Story } from "./points.ts";
import { placeOn, playScenario, type Outcome } from "./scenario.ts";

let faults: Faults;
let system: System;
let expected: Record<Story, Outcome>;
beforeAll(async () => {
  faults = await openFaults();
  const env = { ...faults.env, SWEEP_INTERVAL_MS: "200" };
  system = await startSystem({ ingests: 2, conflicts: 2, workers: 2, env });
  expected = {
    plain: await play(0, "plain"),
    contended: await play(0, "contended"),
    outrun: await play(0, "outrun"),
    refused: await play(0, "refused"),
    decided: await play(0, "decided"),
    deferred: await play(0, "deferred"),
  };
});
afterAll(async () => {
  await system.stop();
  faults.close();
});

const play = (lane: number, story: Story) => playScenario(story, { system, faults }, placeOn(lane));

const drop = (service: Fault["service"], step: string): Fault => ({
  service,
  step,
  when: "before",
  action: "drop",
  always: true,
});
/** The wake-ups of a lane by the service that appends to it. The sweep's wake-ups come from workers. */
const WAKE_UPS = [drop("ingest", "drain.addStandardJob"), drop("conflict", "drain.addStandardJob")];
const REPLIES = [drop("worker", "publish:reply"), drop("worker", "publish:settled")];
const WORD_OF_COMMITS = [drop("worker", "publish:changed")];
/** The conflict jobs that drains enqueue. The sweep's come from the conflict service. */
const CONFLICT_JOBS = [drop("worker", "conflict.addStandardJob"), drop("worker", "conflict.addDelayedJob")];
/** A deferred workspace's drain, enqueued as soon as its lane continues without it. */
const DEFERRALS = [drop("worker", "drain.addDelayedJob")];

/** Runs with every one of the hints dropped, and checks that each kind occurred. */
async function without(hints: readonly Fault[], run: () => Promise<void>): Promise<void> {
  const armed = await Promise.all(hints.map((hint) => faults.arm(hint)));
  try {
    await run();
    // A waiting request may be answered before the report of the drop arrives.
    await eventually(async () => expect(armed.map(({ hits }) => hits())).not.toContain(0));
  } finally {
    await Promise.all(armed.map(({ disarm }) => disarm()));
  }
}

describe("all operations end", () => {
  it.each([
    ["wake-up", WAKE_UPS],
    ["reply", REPLIES],
    ["commit notification", WORD_OF_COMMITS],
    ["conflict job", CONFLICT_JOBS],
    ["delayed job for a deferred workspace's drain", DEFERRALS],
    ["hint of any kind", [...WAKE_UPS, ...REPLIES, ...WORD_OF_COMMITS, ...CONFLICT_JOBS, ...DEFERRALS]],
  ])("as usual if every %s is lost", async (_what, hints) => {
    await without(hints, async () => {
      const stories = ["plain", "plain", "contended", "refused", "decided", "deferred"] as const;
      const outcomes = await Promise.all(stories.map((story, index) => play(index + 1, story)));
      expect(outcomes).toEqual(stories.map((story) => expected[story]));
    });
  });
});

describe("a waiting reader", () => {
  it("is answered by the notification of each commit, without the poll", async () => {
    const lookUps = await faults.arm({
      service: "ingest",
      step: "read-workspaces",
      when: "before",
      action: "cut",
      always: true,
    });
    const client = await createClient(system);
    for (let n = 0; n < 2; n++) {
      const waiting = client.get<ChangesBody>(`/changes?since=${n}&wait=30`);
      await eventually(async () => expect(lookUps.hits()).toBeGreaterThan(n));
      await client.post({
        operations: [{ operation: "put", client_id: `op_${n}`, document_id: "doc", data: { n } }],
      });
      expect((await waiting).body.changes).toMatchObject([{ seq: n + 1, data: { n } }]);
    }
    await lookUps.disarm();
  });

  it("is answered if every commit notification is lost", async () => {
    const client = await createClient(system);
    await without(WORD_OF_COMMITS, async () => {
      const waiting = client.get<ChangesBody>("/changes?since=0&wait=20");
      await client.post({
        operations: [{ operation: "create", client_id: "op_1", document_id: "doc", data: {} }],
      });
      expect((await waiting).body.changes).toMatchObject([{ seq: 1, document_id: "doc" }]);
    });
  });
});
