import { expect, it } from "vitest";
import { openDevice } from "./testing/open-device.ts";
import { ScriptedServer } from "./testing/scripted-server.ts";

it("writes reach the server and other devices", async () => {
  const server = new ScriptedServer();
  const ann = openDevice(server);
  const written = await ann.notes.create({ title: "Milk" });
  expect(await ann.notes.get(written.value)).toMatchObject({ data: { title: "Milk" }, status: "local" });
  await ann.clock.pass(1_000);
  expect(await ann.notes.get(written.value)).toMatchObject({ status: "synced", version: 1 });
  expect(await written.settled).toMatchObject({ code: "applied" });
  const bob = openDevice(server);
  await bob.clock.pass(1_000);
  expect(await bob.notes.get(written.value)).toMatchObject({ data: { title: "Milk" } });
  await bob.notes.update(written.value, (note) => {
    note.body = "Eggs";
  });
  await bob.clock.pass(1_000);
  await ann.clock.pass(1_000);
  expect(await ann.notes.get(written.value)).toMatchObject({
    data: { title: "Milk", body: "Eggs" },
    version: 2,
  });
  expect(ann.workspace.status.get()).toMatchObject({ engine: "idle", pending: 0, pull: { phase: "live" } });
  await ann.client.stop();
  await bob.client.stop();
});
