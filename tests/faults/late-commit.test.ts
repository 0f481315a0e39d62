import type { ChangesBody } from "@syncline/shared/protocol";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDevice, type Device } from "../support/device.ts";
import { createClient, eventually, startSystem, type Client, type System } from "../support/system.ts";
import type { ArmedFault, Faults } from "./faults.ts";
import { openFaults } from "./faults.ts";
import { marksOf, placeOn, type Place } from "./scenario.ts";

let faults: Faults;
let system: System;
beforeAll(async () => {
  faults = await openFaults();
  const env = { ...faults.env, SWEEP_INTERVAL_MS: "500" };
  system = await startSystem({ ingests: 2, workers: 3, keepAlive: true, env });
});
afterAll(async () => {
  await system.stop();
  faults.close();
});

/** Follows a workspace's feed as a client does, and keeps every received seq. */
function follow(client: Client, pauseMsMax: number): { seqs: number[]; readTo(seq: number): Promise<void> } {
  const seqs: number[] = [];
  let since = 0;
  let until = Infinity;
  const following = (async () => {
    while (since < until) {
      const { body } = await client.get<ChangesBody>(`/changes?since=${since}&limit=3`);
      seqs.push(...body.changes.map(({ seq }) => seq));
      since = body.next;
      await delay(Math.random() * pauseMsMax);
    }
  })();
  return {
    seqs,
    async readTo(seq) {
      until = seq;
      await following;
    },
  };
}

async function backendsThat(condition: string): Promise<number> {
  const sql = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND ${condition}`;
  return (await system.pool.query(sql)).rowCount ?? 0;
}

const createOne = (device: Device, name: string) =>
  device.send({ operations: [{ operation: "create", client_id: name, document_id: name, data: { name } }] });

interface Stage {
  place: Place;
  client: Client;
  devices: Device[];
}

async function setStage(lane: number): Promise<Stage> {
  const place = placeOn(lane);
  const client = await createClient(system, place);
  const devices = await Promise.all(
    Array.from({ length: 4 }, (_, n) => createDevice(system, { ...place, deviceId: `dev_${n}` })),
  );
  return { place, client, devices };
}

/**
 * Runs writers, readers and one transaction that commits late; every reader must receive every change once, in order.
 */
async function readThrough(
  stage: Stage,
  late: () => Promise<ArmedFault>,
  release: (late: ArmedFault) => Promise<void>,
) {
  const { client, devices } = stage;
  for (const device of devices) await createOne(device, `${device.deviceId} first`);
  const readers = [follow(client, 0), follow(client, 20), follow(client, 100)];
  const armed = await late();
  const writes = devices.flatMap((device) =>
    Array.from({ length: 5 }, (_, n) => createOne(device, `${device.deviceId} ${n}`)),
  );
  await armed.hit;
  const seen = async () => (await client.get<ChangesBody>("/changes?since=0&limit=1000")).body.changes.length;
  const seenBefore = await seen();
  await release(armed);
  const answers = await Promise.all(writes);
  expect(answers.map(({ body }) => body.status)).toEqual(answers.map(() => "completed"));
  const all = 4 + writes.length;
  expect(await seen()).toBe(all);
  // The late change had its seq by then, but was not visible.
  expect(seenBefore).toBeLessThan(all);
  for (const reader of readers) {
    await reader.readTo(all);
    expect(reader.seqs).toEqual(Array.from({ length: all }, (_, n) => n + 1));
  }
}

const holdCommitOf = ({ place }: Stage) =>
  faults.arm({ service: "worker", step: "COMMIT", when: "before", action: "hold", about: marksOf(place) });

describe("a late commit", () => {
  it("is not skipped by concurrent readers, while its lane and others continue", async () => {
    const stage = await setStage(4);
    const others = await Promise.all([5, 6].map(setStage));
    await readThrough(
      stage,
      () => holdCommitOf(stage),
      async (armed) => {
        expect(await backendsThat("state = 'idle in transaction'")).toBe(1);
        // Other workspaces do not wait for it.
        for (const { devices, client } of others) {
          await Promise.all(devices.map((device) => createOne(device, `${device.deviceId} meanwhile`)));
          const { body } = await client.get<ChangesBody>("/changes?since=0");
          expect(body.changes.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
        }
        await armed.release();
      },
    );
  });

  it("is not skipped if another drain of the lane overlaps with it", async () => {
    const stage = await setStage(7);
    await readThrough(
      stage,
      () => holdCommitOf(stage),
      async (armed) => {
        const { pid } = await armed.hit;
        process.kill(pid, "SIGSTOP");
        try {
          // The frozen worker holds the workspace's row; the worker that took over its lane waits for it.
          await eventually(async () =>
            expect(await backendsThat("wait_event_type = 'Lock'")).toBeGreaterThan(0),
          );
        } finally {
          process.kill(pid, "SIGCONT");
        }
        await armed.release();
      },
    );
  });
});
