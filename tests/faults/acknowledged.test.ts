import type { ChangesBody } from "@syncline/shared/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDevice, type Device } from "../support/device.ts";
import { createClient, startSystem, type Answer, type System } from "../support/system.ts";
import { openFaults, type Faults } from "./faults.ts";
import { marksOf, placeOn, type Place } from "./scenario.ts";

let faults: Faults;
let system: System;
beforeAll(async () => {
  faults = await openFaults();
  // Disables the sweep, so that no test passes because of it.
  const env = { ...faults.env, SWEEP_INTERVAL_MS: "3600000" };
  system = await startSystem({ keepAlive: true, env });
});
afterAll(async () => {
  await system.stop();
  faults.close();
});

const deviceAt = ({ workspaceId }: Place, deviceId: string): Promise<Device> =>
  createDevice(system, { workspaceId, deviceId });
const create = (name: string, data: object = {}) => ({
  operations: [{ operation: "create", client_id: `create ${name}`, document_id: name, data }],
});
const successes = ({ body }: Answer) => body.results.map(({ status }) => status);

describe("an accepted batch", () => {
  it("is answered after its commit, and not before", async () => {
    const [place, elsewhere] = [placeOn(0), placeOn(1)];
    const commit = await faults.arm({
      service: "worker",
      step: "COMMIT",
      when: "before",
      action: "hold",
      about: marksOf(place),
    });
    let answered = false;
    const answer = (await deviceAt(place, "ann")).send(create("list")).finally(() => (answered = true));
    await commit.hit;
    // Its notification would have arrived before this one's.
    expect(successes(await (await deviceAt(elsewhere, "ann")).send(create("other")))).toEqual(["success"]);
    expect(answered).toBe(false);
    await commit.release();
    expect(successes(await answer)).toEqual(["success"]);
  });

  it("is not lost if its commit fails, and leaves no gap in the feed", async () => {
    const place = placeOn(2);
    const cut = await faults.arm({
      service: "worker",
      step: "COMMIT",
      when: "before",
      action: "cut",
      about: marksOf(place),
    });
    // Sent once, without a retry.
    const client = await createClient(system, place);
    const answer = await client.post(create("list"));
    await cut.hit;
    expect(answer.status).toBe(200);
    const { body } = await client.get<ChangesBody>("/changes?since=0");
    expect(body).toMatchObject({ changes: [{ seq: 1, document_id: "list" }], next: 1 });
  });
});

describe("a pending batch", () => {
  it("is visible to its own workspace only", async () => {
    const place = placeOn(5);
    const commit = await faults.arm({
      service: "worker",
      step: "COMMIT",
      when: "before",
      action: "hold",
      about: marksOf(place),
    });
    const [client, stranger] = [await createClient(system, place), await createClient(system)];
    const { headers } = await client.post(create("list"), { prefer: "respond-async" });
    const location = headers.get("location") ?? "";
    await commit.hit;
    expect((await client.getAbsolute(location)).body).toMatchObject({ status: "pending" });
    expect((await stranger.getAbsolute(location)).status).toBe(404);
    await commit.release();
  });
});

describe("a conflict", () => {
  /** Lets two devices change different fields of one document. */
  async function collide(place: Place, before: () => Promise<void> = async () => {}): Promise<void> {
    const [ann, ben] = [await deviceAt(place, "ann"), await deviceAt(place, "ben")];
    await ann.send(create("list", { a: 1, b: 1 }));
    const update = (data: object) => ({
      operation: "update",
      client_id: `update ${JSON.stringify(data)}`,
      document_id: "list",
      expected_version: 1,
      data,
    });
    await ann.send({ operations: [update({ a: 2 })] });
    await before();
    const answer = await ben.send({ operations: [update({ b: 2 })] });
    expect(answer.body.results).toMatchObject([{ status: "success", merged: true }]);
    const client = await createClient(system, place);
    expect((await client.get("/documents/documents/list")).body).toMatchObject({ data: { a: 2, b: 2 } });
  }

  it("is merged without a sweep", async () => {
    await collide(placeOn(3));
  });

  it("is merged without a sweep if the worker dies after it has removed the entry from the lane", async () => {
    const place = placeOn(4);
    await collide(place, async () => {
      await faults.arm({
        service: "worker",
        step: "removeEntries",
        when: "after",
        action: "crash",
        about: marksOf(place),
      });
    });
  });
});
