import { expect, it } from "vitest";
import { openDevice } from "./testing/open-device.ts";
import { ScriptedServer } from "./testing/scripted-server.ts";

it("a transaction refuses asynchronous work", async () => {
  const { client, workspace, notes } = openDevice(new ScriptedServer());
  const written = workspace.transaction(async (tx) => {
    tx.notes.create({ title: "x" });
    await Promise.resolve();
  });
  await expect(written).rejects.toMatchObject({ code: "validationFailed" });
  expect(await notes.query().get()).toEqual([]);
  await client.stop();
});

it("a document that was read cannot be changed beside the outbox", async () => {
  const { client, notes } = openDevice(new ScriptedServer());
  await notes.put("a", { title: "1", tags: [] });
  const read = await notes.get("a");
  expect(() => read?.data.tags?.push("x")).toThrow(TypeError);
  const written = await notes.update("a", (note) => {
    note.tags?.push("x");
  });
  expect(written.ids).toHaveLength(1);
  await client.stop();
});
