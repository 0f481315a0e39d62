import { expect, it, vi } from "vitest";
import { openDevice } from "./testing/open-device.ts";
import { ScriptedServer } from "./testing/scripted-server.ts";
import { DerivedStore } from "./derived-store.ts";

it("a listener that throws fails no write, stops no sync, and keeps no other listener from its call", async () => {
  const printed = vi.spyOn(console, "error").mockImplementation(() => {});
  const server = new ScriptedServer();
  const { client, clock, workspace, notes } = openDevice(server);
  await clock.pass(1_000);
  const fail = () => {
    throw new Error("a fault of the app");
  };
  let calls = 0;
  workspace.status.subscribe(fail);
  workspace.pending.subscribe(fail);
  workspace.pending.subscribe(() => (calls += 1));
  notes.query().subscribe(fail);
  const { settled } = await notes.create({ title: "x" });
  await clock.pass(1_000);
  expect(await settled).toMatchObject({ code: "applied" });
  expect(workspace.status.get()).toMatchObject({ engine: "idle", pending: 0 });
  expect(calls).toBeGreaterThan(0);
  expect(printed).toHaveBeenCalled();
  printed.mockRestore();
  await client.stop();
});

it("nothing is derived from a queue while it is neither read nor watched", () => {
  let derived = 0;
  const values = [1, 1, 2];
  const store = new DerivedStore(() => values[derived++] ?? 0, Object.is);
  store.invalidate();
  store.invalidate();
  expect(derived).toBe(1);
  const told = vi.fn<() => void>();
  store.subscribe(told);
  expect([derived, store.get()]).toEqual([2, 1]);
  store.invalidate();
  expect([derived, store.get(), told.mock.calls.length]).toEqual([3, 2, 1]);
});
