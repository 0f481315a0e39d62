import { expect, it } from "vitest";
import { openDevice, jwt } from "../facade/testing/open-device.ts";
import { ScriptedServer } from "../facade/testing/scripted-server.ts";
import type { PushAnswer } from "../ports/transport.ts";

it("an operation that an answer leaves out is sent again after a growing wait", async () => {
  const server = new ScriptedServer();
  let pushes = 0;
  const push = () => {
    pushes += 1;
    const body = { batch_id: "b", status: "completed", total: 1, successful: 0, failed: 0, results: [] };
    return Promise.resolve({ kind: "ok", body: body as unknown as PushAnswer, info: {} } as const);
  };
  const { client, clock, notes, workspace } = openDevice(server, {
    transport: { ...server.transport(), push },
  });
  await notes.put("a", { title: "Milk" });
  await clock.pass(10_000);
  expect(pushes).toBeGreaterThan(1);
  expect(pushes).toBeLessThan(30);
  expect(workspace.status.get()).toMatchObject({ pending: 1 });
  await client.stop();
});

it("no request leaves after a stop, even if its token was under way", async () => {
  const server = new ScriptedServer();
  const token = Promise.withResolvers<string>();
  const { client, clock, notes } = openDevice(server, { token: () => token.promise });
  await notes.put("a", { title: "Milk" });
  await clock.pass(1_000);
  const stopped = client.stop();
  token.resolve(jwt({ sub: "ann" }));
  await clock.pass(1_000);
  await stopped;
  expect(server.log).toEqual([]);
});
