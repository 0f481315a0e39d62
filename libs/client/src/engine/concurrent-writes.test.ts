import { expect, it } from "vitest";
import { memoryStorage } from "../adapters/memory-storage.ts";
import type { Storage } from "../ports/storage.ts";
import { openDevice } from "../facade/testing/open-device.ts";
import { settle } from "../facade/testing/manual-clock.ts";
import { ScriptedServer } from "../facade/testing/scripted-server.ts";

it("a write between two reads of a page's commit stays in the view", async () => {
  const server = new ScriptedServer();
  const inner = memoryStorage();
  let between: (() => Promise<void>) | undefined;
  let pullsBefore = Infinity;
  // Once the page was read, the app writes right after the engine has read the outbox.
  const storage: Storage = {
    ...inner,
    async range(store, range, options) {
      const rows = await inner.range(store, range, options);
      const write = between;
      if (store === "outbox" && options === undefined && server.count("pull") > pullsBefore) {
        between = undefined;
        await write?.();
      }
      return rows;
    },
  };
  const { client, clock, notes } = openDevice(server, { storage });
  await notes.put("a", { title: "1" });
  await clock.pass(1_000);
  const seen: unknown[] = [];
  const watched = notes.watch("a");
  watched.subscribe(() => seen.push(watched.get()?.data.n));
  await settle();
  pullsBefore = server.count("pull");
  between = async () => {
    await notes.update("a", { n: 7 });
  };
  server.write("notes", "a", { title: "2" });
  await settle();
  expect(between).toBeUndefined();
  expect(await notes.get("a")).toMatchObject({ data: { title: "2", n: 7 }, status: "modified" });
  expect(seen.slice(seen.indexOf(7))).not.toContain(undefined);
  await client.stop();
});
