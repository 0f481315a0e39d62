import { expect, it } from "vitest";
import { collection } from "../facade/create-client.ts";
import { createClock } from "./clock.ts";
import { createDevice } from "./device.ts";
import { createNetwork } from "./network.ts";
import { createTestServer } from "./server/test-server.ts";

const WORKSPACE = "w1";

/** A device, with a count of its requests that are no streams. */
function createCounted() {
  const clock = createClock();
  const server = createTestServer({ clock });
  const network = createNetwork({ clock, fetch: server.fetch });
  const collections = { notes: collection<{ text: string }>() };
  const workspaces = { [WORKSPACE]: "writer" } as const;
  const phone = createDevice({ name: "phone", seed: 1, clock, server, network, collections, workspaces });
  const workspace = phone.start().workspace(WORKSPACE);
  const sent = { requests: 0, batches: 0 };
  network.script(({ method, path }) => {
    if (!path.includes("/events")) sent.requests += 1;
    if (method === "POST") sent.batches += 1;
    return undefined;
  });
  const settle = async () => {
    expect(await clock.runUntil(() => workspace.status.get().pending === 0, 600_000)).toBe(true);
  };
  return {
    clock,
    server,
    network,
    workspace,
    notes: workspace.collection("notes"),
    settle,
    sent,
  };
}

it("1,000 creates that were queued offline take at most 15 requests", async () => {
  const { clock, network, server, notes, settle, sent } = createCounted();
  await clock.advance(10_000);
  network.partition("phone");
  for (let n = 0; n < 1_000; n += 1) await notes.create({ id: `n${n}`, text: `${n}` });
  await clock.advance(10_000);
  const before = sent.requests;
  network.heal();
  await settle();
  expect(server.documents(WORKSPACE)).toHaveLength(1_000);
  expect(sent.requests - before).toBeLessThanOrEqual(15);
});

it("1,000 strokes in one document offline take at most 2 batches", async () => {
  const { clock, network, server, notes, settle, sent } = createCounted();
  await notes.create({ id: "n", text: "" });
  await clock.advance(10_000);
  network.partition("phone");
  let text = "";
  for (let n = 0; n < 1_000; n += 1) await notes.update("n", { text: (text += "x") });
  await clock.advance(10_000);
  const before = sent.batches;
  network.heal();
  await settle();
  expect(server.documents(WORKSPACE)[0]?.data["text"]).toBe(text);
  expect(sent.batches - before).toBeLessThanOrEqual(2);
});
