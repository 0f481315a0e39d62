import { describe, expect, it } from "vitest";
import { memoryStorage } from "../adapters/memory-storage.ts";
import type { Change, Storage } from "../ports/storage.ts";
import type { Connectivity } from "../ports/connectivity.ts";
import { jwt, openDevice } from "./testing/open-device.ts";
import { ScriptedServer } from "./testing/scripted-server.ts";

/** Storage that tells each commit, and can fail or lose them. */
function watched(storage: Storage, onCommit: (changes: readonly Change[]) => void): Storage {
  return {
    ...storage,
    async commit(changes, expect_, options) {
      onCommit(changes);
      return await storage.commit(changes, expect_, options);
    },
  };
}

const MINUTE_MS = 60_000;

describe("R1: a write is its outbox row", () => {
  it("the document and the operation are one commit", async () => {
    const commits: string[][] = [];
    const storage = watched(memoryStorage(), (changes) => commits.push(changes.map(({ store }) => store)));
    const { notes, client } = openDevice(new ScriptedServer(), { storage, account: null });
    await notes.create({ title: "Milk" });
    expect(commits.filter((stores) => stores.includes("documents"))).toEqual([["outbox", "documents"]]);
    await client.stop();
  });

  it("a write that cannot be stored leaves neither", async () => {
    let isBroken = false;
    const storage = watched(memoryStorage(), () => {
      if (isBroken) throw new Error("disk");
    });
    const { notes, client, workspace } = openDevice(new ScriptedServer(), { storage, account: null });
    await client.ready;
    isBroken = true;
    await expect(notes.put("a", { title: "Milk" })).rejects.toThrow("disk");
    isBroken = false;
    expect(await notes.get("a")).toBeUndefined();
    expect(workspace.pending.get()).toEqual([]);
    await notes.put("a", { title: "Milk" });
    expect(await notes.get("a")).toMatchObject({ status: "local" });
    await client.stop();
  });
});

describe("R4: what was frozen is sent unchanged", () => {
  it("after a lost answer, and after a crash", async () => {
    const server = new ScriptedServer();
    const first = openDevice(server);
    server.fail("push", "never", "after");
    await first.notes.put("a", { title: "Milk" });
    await first.clock.pass(1_000);
    expect(server.batches).toHaveLength(1);
    await first.client.stop();
    const again = openDevice(server, { storage: first.storage, clock: first.clock });
    await again.notes.update("a", { body: "more" });
    await again.clock.pass(1_000);
    const [sent, resent] = server.batches;
    expect(resent?.operations[0]).toEqual(sent?.operations[0]);
    await again.clock.pass(MINUTE_MS);
    expect(await again.notes.get("a")).toMatchObject({
      data: { title: "Milk", body: "more" },
      status: "synced",
      version: 2,
    });
    await again.client.stop();
  });

  it("before the first byte leaves, it is stored", async () => {
    const server = new ScriptedServer();
    const frozen: unknown[] = [];
    const storage = watched(memoryStorage(), (changes) => {
      for (const change of changes) {
        const value = (change.kind === "put" ? change.value : {}) as { wire?: { clientId: string } };
        if (change.store === "outbox" && value.wire !== undefined && server.count("push") === 0)
          frozen.push(value.wire.clientId);
      }
    });
    const { notes, clock, client } = openDevice(server, { storage });
    await notes.put("a", { title: "Milk" });
    await clock.pass(1_000);
    expect(frozen).toEqual(server.batches[0]?.operations.map(({ client_id }) => client_id));
    await client.stop();
  });
});

it("R6: a client_id is as old as the freeze, not as the write", async () => {
  const server = new ScriptedServer();
  const connectivity: Connectivity = {
    isOnline: () => false,
    isVisible: () => true,
    subscribe: () => () => {},
  };
  const { notes, clock, client } = openDevice(server, { connectivity });
  await notes.put("a", { title: "Milk" });
  await clock.pass(60 * MINUTE_MS);
  const sending = client.syncNow();
  await clock.pass(1_000);
  await sending;
  const id = server.batches[0]?.operations[0]?.client_id ?? "";
  expect(Math.abs(Number.parseInt(id.slice(0, 13).replace("-", ""), 16) - clock.nowMs())).toBeLessThan(
    MINUTE_MS,
  );
  expect(id[14]).toBe("7");
  await client.stop();
});

describe("R9: an answer that was lost", () => {
  it("shows an own append once, whatever comes first", async () => {
    const server = new ScriptedServer();
    server.write("notes", "a", { title: "Milk", tags: [] });
    const { notes, clock, client } = openDevice(server);
    await clock.pass(1_000);
    const seen: unknown[] = [];
    const watch = notes.watch("a");
    watch.subscribe(() => seen.push(watch.get()?.data.tags));
    server.fail("push", { kind: "noAnswer" }, "after");
    await notes.update("a", (note) => void note.tags?.push("mine"));
    await clock.pass(MINUTE_MS);
    expect(seen).toContainEqual(["mine"]);
    expect(seen).not.toContainEqual(["mine", "mine"]);
    expect(await notes.get("a")).toMatchObject({ data: { tags: ["mine"] }, status: "synced" });
    await client.stop();
  });
});

describe("R13: a page is one commit", () => {
  it("with its checkpoint", async () => {
    const server = new ScriptedServer();
    const commits: Change[][] = [];
    const storage = watched(memoryStorage(), (changes) => commits.push([...changes]));
    const { clock, client } = openDevice(server, { storage });
    await clock.pass(1_000);
    commits.length = 0;
    server.write("notes", "a", { title: "a" });
    server.write("notes", "b", { title: "b" });
    await clock.pass(1_000);
    const page = commits.find((changes) => changes.some(({ store }) => store === "documents"));
    expect(page?.map(({ store, key }) => [store, key.at(-1)])).toEqual([
      ["meta", "w"],
      ["documents", "a"],
      ["documents", "b"],
    ]);
    await client.stop();
  });
});

it("R13: a page is thrown away if the checkpoint has moved meanwhile", async () => {
  const server = new ScriptedServer();
  const inner = memoryStorage();
  let isRacing = false;
  const storage: Storage = {
    ...inner,
    async commit(changes, expected, options) {
      const meta = changes.find(({ store, key }) => store === "meta" && key[0] === "workspace");
      if (isRacing && meta?.kind === "put" && changes.some(({ store }) => store === "documents")) {
        isRacing = false;
        // Another tab has read the same page.
        await inner.commit([meta], []);
      }
      return await inner.commit(changes, expected, options);
    },
  };
  const { notes, clock, client } = openDevice(server, { storage });
  await clock.pass(1_000);
  isRacing = true;
  server.write("notes", "a", { title: "a" });
  await clock.pass(1_000);
  expect(isRacing).toBe(false);
  expect(await notes.get("a")).toBeUndefined();
  await client.stop();
});

describe("R14: every request ends", () => {
  it.each(["push", "pull", "snapshot", "batch"] as const)(
    "a %s without an answer counts as lost",
    async (name) => {
      const server = new ScriptedServer();
      server.isSlow = name === "batch";
      server.fail(name, "never");
      const { notes, clock, client, workspace } = openDevice(server);
      // The snapshot is read before the write, which then comes with the feed.
      await clock.pass(1);
      await notes.put("a", { title: "Milk" });
      await clock.pass(30_000);
      expect(workspace.pending.get()).toHaveLength(1);
      await clock.pass(2 * MINUTE_MS);
      expect(workspace.pending.get()).toEqual([]);
      expect(await notes.get("a")).toMatchObject({ status: "synced" });
      await client.stop();
    },
  );

  it("a token that never comes stops nothing for good", async () => {
    const server = new ScriptedServer();
    let asked = 0;
    const token = async () => {
      asked += 1;
      return asked === 1 ? await new Promise<string>(() => {}) : jwt({ sub: "ann" });
    };
    const { notes, clock, client } = openDevice(server, { token });
    await notes.put("a", { title: "Milk" });
    await clock.pass(MINUTE_MS);
    expect(await notes.get("a")).toMatchObject({ status: "synced" });
    await client.stop();
  });
});

it("R15: nothing is sent with the token of another account", async () => {
  const server = new ScriptedServer();
  const { notes, clock, client, workspace } = openDevice(server, {
    token: () => Promise.resolve(jwt({ sub: "bob" })),
  });
  await notes.put("a", { title: "Milk" });
  await clock.pass(10 * MINUTE_MS);
  expect(server.log).toEqual([]);
  expect(workspace.status.get()).toMatchObject({
    engine: "signedOut",
    pending: 1,
    error: { code: "wrongAccount" },
  });
  await client.stop();
});

it("R16: a client that is no longer the leader fails its commit and steps down", async () => {
  const server = new ScriptedServer();
  const first = openDevice(server);
  await first.clock.pass(1_000);
  const second = openDevice(server, { storage: first.storage, clock: first.clock });
  await second.notes.put("a", { title: "second" });
  await first.clock.pass(1_000);
  server.write("notes", "b", { title: "other" });
  await first.clock.pass(1_000);
  expect(first.workspace.status.get()).toMatchObject({ role: "follower", error: { code: "deposed" } });
  expect(second.workspace.status.get()).toMatchObject({ role: "leader", pending: 0 });
  expect(server.documents.get("notes/a")?.version).toBe(1);
  await second.client.stop();
});

it("R17: a device that believes to be offline waits, and tries when it is asked to", async () => {
  const server = new ScriptedServer();
  let listener = () => {};
  let isOnline = false;
  const connectivity: Connectivity = {
    isOnline: () => isOnline,
    isVisible: () => true,
    subscribe: (given) => {
      listener = given;
      return () => {};
    },
  };
  const { notes, clock, client } = openDevice(server, { connectivity });
  await notes.put("a", { title: "Milk" });
  await clock.pass(10 * MINUTE_MS);
  expect(server.log).toEqual([]);
  const summary = client.syncNow();
  await clock.pass(1_000);
  expect(await summary).toMatchObject({ sent: 1, applied: 1, pending: 0 });
  await notes.put("b", { title: "Eggs" });
  isOnline = true;
  listener();
  await clock.pass(1_000);
  expect(await notes.get("b")).toMatchObject({ status: "synced" });
  await client.stop();
});
