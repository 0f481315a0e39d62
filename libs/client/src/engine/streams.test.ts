import { expect, it } from "vitest";
import { openDevice } from "../facade/testing/open-device.ts";
import { settle } from "../facade/testing/manual-clock.ts";
import { ScriptedServer } from "../facade/testing/scripted-server.ts";

it("streams that are cut at once are replaced by polls", async () => {
  const server = new ScriptedServer();
  let listens = 0;
  const listen = async () => {
    listens += 1;
    await settle();
    return { kind: "ok", body: { reason: "cut" }, info: {} } as const;
  };
  const { client, clock } = openDevice(server, { transport: { ...server.transport(), listen } });
  for (let times = 0; times < 5; times++) await clock.pass(1_000);
  expect(listens).toBe(2);
  await client.stop();
});

it.each([{ kind: "protocol" }, { kind: "notFound" }, { kind: "gone", cause: "cursor" }] as const)(
  "a stream that is answered $kind keeps no write from being sent",
  async (failure) => {
    const server = new ScriptedServer();
    server.streamFailure = failure;
    const { client, clock, workspace, notes } = openDevice(server);
    await clock.pass(1_000);
    await notes.create({ title: "x" });
    await clock.pass(1_000);
    expect(workspace.status.get()).toMatchObject({ engine: "idle", pending: 0 });
    expect(server.count("listen")).toBeLessThanOrEqual(2);
    await client.stop();
  },
);

it("the status is live once the stream is open, without any change", async () => {
  const { client, clock, workspace } = openDevice(new ScriptedServer());
  const phases: string[] = [];
  workspace.status.subscribe(() => phases.push(workspace.status.get().pull.phase));
  await clock.pass(1_000);
  expect(phases.at(-1)).toBe("live");
  await client.stop();
});
