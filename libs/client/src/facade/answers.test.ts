import { describe, expect, it } from "vitest";
import type { Failure } from "../ports/answer.ts";
import { openDevice } from "./testing/open-device.ts";
import { ScriptedServer } from "./testing/scripted-server.ts";

const MINUTE_MS = 60_000;

describe("answers that hold up nothing for good", () => {
  it.each<[string, Failure]>([
    ["no answer", { kind: "noAnswer" }],
    ["503 unavailable", { kind: "unavailable", status: 503 }],
    ["500", { kind: "unavailable", status: 500 }],
    ["429", { kind: "overloaded", retryAfterMs: 5_000 }],
    ["401", { kind: "unauthorized" }],
  ])("%s: the batch goes again, unchanged", async (_, failure) => {
    const server = new ScriptedServer();
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    server.fail("push", failure);
    await notes.put("a", { title: "Milk" });
    await clock.pass(5 * MINUTE_MS);
    expect(workspace.pending.get()).toEqual([]);
    expect(server.batches).toHaveLength(2);
    expect(server.batches[1]?.operations).toEqual(server.batches[0]?.operations);
    await client.stop();
  });

  it("429: not before the time that the server told", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client } = openDevice(server);
    await clock.pass(1_000);
    server.fail("push", { kind: "overloaded", retryAfterMs: 30_000 });
    await notes.put("a", { title: "Milk" });
    await clock.pass(29_000);
    expect(server.batches).toHaveLength(1);
    await clock.pass(10_000);
    expect(server.batches).toHaveLength(2);
    await client.stop();
  });

  it("too-many-held: that document waits, and others are sent", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client } = openDevice(server);
    await clock.pass(1_000);
    await notes.put("a", { title: "a" });
    await notes.put("b", { title: "b" });
    server.overloadOf = "a";
    await clock.pass(1_000);
    expect(await notes.get("b")).toMatchObject({ status: "synced" });
    expect(await notes.get("a")).toMatchObject({ status: "local" });
    server.overloadOf = undefined;
    await clock.pass(MINUTE_MS);
    expect(await notes.get("a")).toMatchObject({ status: "synced" });
    await client.stop();
  });

  it("413: the batch is halved, and an operation that is too large alone becomes an outcome", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    for (let n = 0; n < 10; n++) await notes.put(`n${n}`, { title: "x" });
    server.tooLarge = "n3";
    await clock.pass(MINUTE_MS);
    expect(workspace.pending.get()).toEqual([]);
    expect(workspace.outcomes.get()).toMatchObject([
      { code: "tooLarge", operations: [{ documentId: "n3" }] },
    ]);
    expect(server.documents.size).toBe(9);
    await client.stop();
  });

  it("422 that names an operation: it becomes an outcome, and the rest is sent at once", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    for (const id of ["a", "b", "c"]) await notes.put(id, { title: id });
    server.invalid = "b";
    await clock.pass(1_000);
    expect([...server.documents.keys()]).toEqual(["notes/a", "notes/c"]);
    expect(workspace.outcomes.get()).toMatchObject([{ code: "refused", operations: [{ documentId: "b" }] }]);
    expect(await notes.get("b")).toBeUndefined();
    await client.stop();
  });

  it("500 for one operation: it is found, waits by itself, and ends", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    for (let n = 0; n < 8; n++) await notes.put(`n${n}`, { title: "x" });
    server.poison = "n5";
    await clock.pass(60 * MINUTE_MS);
    expect(server.documents.size).toBe(7);
    expect(workspace.outcomes.get()).toMatchObject([
      { code: "unknown", mayBeApplied: true, operations: [{ documentId: "n5" }] },
    ]);
    await client.stop();
  });

  it("403 of the role: pushing stops, pulling continues, and another token is tried", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    server.fail("push", { kind: "forbidden", cause: "role" });
    await notes.put("a", { title: "mine" });
    server.write("notes", "b", { title: "theirs" });
    await clock.pass(MINUTE_MS);
    expect(await notes.get("b")).toMatchObject({ status: "synced" });
    expect(workspace.pending.get()).toHaveLength(1);
    expect(server.batches).toHaveLength(1);
    await clock.pass(6 * MINUTE_MS);
    expect(workspace.pending.get()).toEqual([]);
    await client.stop();
  });

  it("403 of the workspace: in one commit the operations become outcomes and the documents leave", async () => {
    const server = new ScriptedServer();
    server.write("notes", "b", { title: "theirs" });
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    const lost: unknown[] = [];
    client.on("accessLost", ({ outcomes }) => lost.push(outcomes.length));
    server.fail("push", { kind: "forbidden", cause: "workspace" });
    await notes.put("a", { title: "mine" });
    await clock.pass(1_000);
    expect(workspace.outcomes.get()).toMatchObject([
      { code: "accessLost", operations: [{ documentId: "a", effect: { data: { title: "mine" } } }] },
    ]);
    expect(await notes.query().get()).toEqual([]);
    expect(lost).toEqual([1]);
    expect(workspace.status.get()).toMatchObject({ engine: "failed", error: { code: "accessLost" } });
    await client.stop();
  });

  it("403 of the workspace: a decision that waits becomes an outcome, too", async () => {
    const server = new ScriptedServer();
    const { clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    server.fail("decide", { kind: "forbidden", cause: "workspace" });
    const { settled } = await workspace.resolve("some-conflict", { choice: "local" });
    await clock.pass(1_000);
    expect(workspace.outcomes.get()).toMatchObject([{ code: "accessLost", conflictId: "some-conflict" }]);
    expect((await settled).code).toBe("accessLost");
    await client.stop();
  });

  it("403 of the device: there is a new device id, and the operations end as unknown if they are refused again", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    const { deviceId } = await client.inspect();
    server.fail("push", { kind: "forbidden", cause: "device" }, "before", 2);
    await notes.put("a", { title: "mine" });
    await clock.pass(1_000);
    expect((await client.inspect()).deviceId).not.toBe(deviceId);
    expect(workspace.outcomes.get()).toMatchObject([{ code: "unknown" }]);
    await notes.put("b", { title: "mine" });
    await clock.pass(1_000);
    expect(server.batches.at(-1)?.device_id).toBe((await client.inspect()).deviceId);
    await client.stop();
  });

  it("403 of the strategy: it is left out once", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    server.overrideRefused = true;
    await notes.put("a", { title: "mine" }, { onConflict: "client-wins" });
    await clock.pass(1_000);
    expect(server.batches.map(({ on_conflict: strategy }) => strategy)).toEqual(["client-wins", undefined]);
    expect(workspace.pending.get()).toEqual([]);
    await client.stop();
  });

  it("a captive portal: the engine fails, says so, and tries again", async () => {
    const server = new ScriptedServer();
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    const events: unknown[] = [];
    client.on("protocolError", (event) => events.push(event));
    server.fail("push", { kind: "protocol", detail: "no JSON", requestId: "r1" });
    await notes.put("a", { title: "mine" });
    await clock.pass(1_000);
    expect(workspace.status.get()).toMatchObject({ engine: "failed", error: { code: "protocol" } });
    expect(events).toMatchObject([{ requestId: "r1" }]);
    await clock.pass(6 * MINUTE_MS);
    expect(workspace.status.get()).toMatchObject({ engine: "idle", pending: 0 });
    await client.stop();
  });

  it("202: the batch is asked for until it is final, and sent again if it is lost", async () => {
    for (const isLost of [false, true]) {
      const server = new ScriptedServer();
      const { notes, clock, client, workspace } = openDevice(server);
      await clock.pass(1_000);
      server.isSlow = true;
      if (isLost) server.fail("batch", { kind: "notFound" });
      await notes.put("a", { title: "mine" });
      await clock.pass(MINUTE_MS);
      expect(workspace.pending.get()).toEqual([]);
      expect(server.count("batch")).toBeGreaterThanOrEqual(isLost ? 2 : 1);
      expect(server.batches).toHaveLength(isLost ? 2 : 1);
      expect(server.documents.get("notes/a")?.version).toBe(1);
      await client.stop();
    }
  });
});

describe("410", () => {
  it("history-gone: a new snapshot is read, and what it lacks is deleted", async () => {
    const server = new ScriptedServer();
    server.write("notes", "a", { title: "a" });
    server.write("notes", "b", { title: "b" });
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    server.cutStreams();
    server.streamFailure = { kind: "noAnswer" };
    server.write("notes", "a", null);
    server.write("notes", "c", { title: "c" });
    server.historyFrom = server.seq;
    await notes.update("b", { body: "mine" });
    await clock.pass(5 * MINUTE_MS);
    const ids = (await notes.query().get()).map(({ id }) => id);
    expect(ids).toEqual(["b", "c"]);
    expect(workspace.status.get()).toMatchObject({ pending: 0 });
    await client.stop();
  });

  it("epoch-changed: what was answered is sent again under its id", async () => {
    const server = new ScriptedServer();
    server.write("notes", "a", { title: "a" });
    const { notes, clock, client, workspace } = openDevice(server);
    await clock.pass(1_000);
    server.fail("pull", { kind: "noAnswer" }, "before", 2);
    await notes.update("a", { body: "mine" });
    await clock.pass(300);
    expect(workspace.pending.get()).toMatchObject([{ state: "acked" }]);
    // A backup from before the edit is restored.
    server.epoch = "epoch-2";
    server.ledger.clear();
    server.documents.set("notes/a", {
      collection: "notes",
      id: "a",
      version: 1,
      seq: 1,
      data: { title: "a" },
    });
    server.changes.length = 1;
    server.seq = 1;
    await clock.pass(5 * MINUTE_MS);
    expect(server.batches.map(({ operations }) => operations[0]?.client_id)).toEqual(
      Array.from({ length: server.batches.length }, () => server.batches[0]?.operations[0]?.client_id),
    );
    expect(server.batches.length).toBeGreaterThan(1);
    expect(await notes.get("a")).toMatchObject({ data: { title: "a", body: "mine" }, status: "synced" });
    await client.stop();
  });
});
