import { expect, it } from "vitest";
import * as z from "zod";
import { memoryStorage } from "../adapters/memory-storage.ts";
import { ManualClock } from "./testing/manual-clock.ts";
import { jwt, seededRandom } from "./testing/open-device.ts";
import { ScriptedServer } from "./testing/scripted-server.ts";
import { collection, createClient } from "./create-client.ts";

it("an update keeps the members that the schema does not know", async () => {
  const server = new ScriptedServer();
  const extra = { by: "a newer app" };
  server.write("notes", "a", { title: "Milk", extra, lines: [{ text: "one", extra }] });
  const clock = new ManualClock();
  const schema = z.object({ title: z.string(), lines: z.array(z.object({ text: z.string() })) });
  const client = createClient({
    url: "https://sync.example.com",
    account: "ann",
    token: () => Promise.resolve(jwt({ sub: "ann" })),
    storage: memoryStorage(),
    collections: { notes: collection<z.infer<typeof schema>>({ schema }) },
    transport: server.transport(),
    clock,
    random: seededRandom(1),
    log: () => {},
  });
  const notes = client.workspace("w").collection("notes");
  await clock.pass(1_000);
  await notes.update("a", (note) => {
    note.title = "Oat milk";
    for (const line of note.lines) line.text = "two";
  });
  await clock.pass(1_000);
  expect(server.documents.get("notes/a")?.data).toEqual({
    title: "Oat milk",
    extra,
    lines: [{ text: "two", extra }],
  });
  await client.stop();
});
