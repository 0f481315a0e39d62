import { describe, expect, it } from "vitest";
import { memoryStorage } from "../adapters/memory-storage.ts";
import { collection } from "../facade/create-client.ts";
import { createClock } from "./clock.ts";
import { converge, findDifferences } from "./converge.ts";
import { createCrashingStorage } from "./crashing-storage.ts";
import { createDevice } from "./device.ts";
import { expectNoBlink } from "./expect-no-blink.ts";
import { createNetwork, PORTAL, type Fault } from "./network.ts";
import { createTestServer } from "./server/test-server.ts";

const WORKSPACE = "w1";
const collections = { notes: collection<{ text: string }>() };

function createWorld() {
  const clock = createClock();
  const server = createTestServer({ clock });
  const network = createNetwork({ clock, fetch: server.fetch });
  const common = { clock, server, network, collections, workspaces: { [WORKSPACE]: "writer" } } as const;
  const phone = createDevice({ ...common, name: "phone", seed: 1 });
  const laptop = createDevice({ ...common, name: "laptop", seed: 2 });
  return { clock, server, network, phone, laptop, devices: [phone, laptop] };
}

describe("the clock", () => {
  it("runs timers in the order of their times, and those of one time in the order of their calls", async () => {
    const clock = createClock({ startMs: 0 });
    const order: string[] = [];
    clock.setTimer(20, () => order.push("c"));
    clock.setTimer(10, () => order.push("a"));
    clock.setTimer(10, () => order.push("b"));
    clock.setTimer(15, () => order.push("never"))();
    await clock.advance(15);
    expect([order, clock.nowMs(), clock.waiting]).toEqual([["a", "b"], 15, 1]);
    expect(await clock.runUntil(() => order.length === 3, 100)).toBe(true);
    expect(clock.nowMs()).toBe(20);
    expect(await clock.runUntil(() => false, 100)).toBe(false);
  });
});

describe("the network", () => {
  it.each<[string, Fault, number]>([
    ["a lost request", { kind: "lose-request" }, 0],
    ["a lost answer", { kind: "lose-answer" }, 1],
    ["an answer that breaks off", { kind: "cut", bytes: 10 }, 1],
    ["a captive portal", PORTAL, 0],
    ["a request that arrives twice", { kind: "duplicate", delayMs: 5 }, 1],
    ["silence", { kind: "silence" }, 0],
  ])("a batch is applied once in spite of %s", async (_, fault, versions) => {
    const { clock, server, network, phone, devices } = createWorld();
    const { client } = { client: phone.start() };
    let isFirst = true;
    network.script(({ method }) => {
      if (method !== "POST" || !isFirst) return undefined;
      isFirst = false;
      return fault;
    });
    await client.workspace(WORKSPACE).collection("notes").create({ id: "n", text: "a" });
    await clock.runUntil(() => !isFirst, 10_000);
    await clock.advance(200);
    expect(server.changes(WORKSPACE)).toHaveLength(versions);
    expect(await converge({ devices: devices.slice(0, 1), workspaceId: WORKSPACE, server, clock })).toBe(
      true,
    );
    expect(server.changes(WORKSPACE)).toHaveLength(1);
  });

  it("the feed tells of a decision that writes nothing", async () => {
    const { clock, network, server, phone, laptop } = createWorld();
    const [mine, theirs] = [phone.start(), laptop.start()].map((client) => client.workspace(WORKSPACE));
    if (mine === undefined || theirs === undefined) throw new Error("two devices were started");
    await theirs.collection("notes").create({ id: "n", text: "a" });
    await clock.advance(5_000);
    await theirs.collection("notes").update("n", { text: "b" });
    const { settled } = await mine.collection("notes").update("n", { text: "c" }, { onConflict: "manual" });
    const isParked = () => mine.conflicts.get().length > 0;
    expect(await clock.runUntil(isParked, 60_000)).toBe(true);
    const [{ conflictId } = { conflictId: "" }] = mine.conflicts.get();
    let asked = 0;
    network.script(({ method, device }) => {
      if (method === "POST" && device === "phone") asked += 1;
      return undefined;
    });
    await theirs.resolve(conflictId, { choice: "server" });
    expect(await clock.runUntil(() => !isParked(), 30_000)).toBe(true);
    expect([(await settled).code, asked]).toEqual(["overruled", 0]);
    expect(server.changes(WORKSPACE)).toHaveLength(2);
  });

  it("a partition separates a device until it is healed", async () => {
    const { clock, server, network, phone, laptop, devices } = createWorld();
    phone.start();
    laptop.start();
    network.partition("phone");
    await phone.client.workspace(WORKSPACE).collection("notes").create({ id: "n", text: "a" });
    await clock.advance(60_000);
    expect(server.documents(WORKSPACE)).toEqual([]);
    network.heal();
    expect(await converge({ devices, workspaceId: WORKSPACE, server, clock })).toBe(true);
    expect(await findDifferences(devices, WORKSPACE, server, ["notes"])).toEqual([]);
    expect((await laptop.client.workspace(WORKSPACE).collection("notes").get("n"))?.data).toMatchObject({
      text: "a",
    });
  });
});

describe("a device", () => {
  it.each(
    [1, 2, 3, 4, 5, 6].flatMap((commit) => (["before", "after"] as const).map((when) => ({ commit, when }))),
  )("that crashes $when commit $commit resumes to the same end", async (point) => {
    const { clock, server, phone, devices } = createWorld();
    phone.start();
    await clock.advance(1_000);
    phone.crashAt(point);
    let isStored = false;
    void phone.client
      .workspace(WORKSPACE)
      .collection("notes")
      .create({ id: "n", text: "a" })
      .then(() => (isStored = true));
    await clock.advance(60_000);
    if (!phone.isRunning) phone.start();
    expect(await converge({ devices: devices.slice(0, 1), workspaceId: WORKSPACE, server, clock })).toBe(
      true,
    );
    if (isStored) expect(server.documents(WORKSPACE)).toHaveLength(1);
    expect(server.changes(WORKSPACE).length).toBeLessThanOrEqual(1);
  });

  it("never shows an own edit and then not", async () => {
    const { clock, server, phone, laptop, devices } = createWorld();
    phone.start();
    laptop.start();
    const notes = phone.client.workspace(WORKSPACE).collection("notes");
    const watch = expectNoBlink(notes.watch("n"), (note) => note?.data.text === "a");
    await notes.create({ id: "n", text: "a" });
    expect(await converge({ devices, workspaceId: WORKSPACE, server, clock })).toBe(true);
    expect(watch.blinks).toEqual([]);
    await laptop.client.workspace(WORKSPACE).collection("notes").update("n", { text: "b" });
    expect(await converge({ devices, workspaceId: WORKSPACE, server, clock })).toBe(true);
    expect(watch.blinks).toHaveLength(1);
    watch.stop();
  });
});

describe("a crashing storage", () => {
  it.each(["before", "after"] as const)("keeps what was committed, %s the crash", async (when) => {
    const inner = memoryStorage();
    let crashes = 0;
    const crashing = createCrashingStorage(inner, () => crashes++);
    await crashing.storage.open("db", 1);
    crashing.crashAt({ commit: 2, when });
    const put = (name: string) =>
      crashing.storage.commit([{ kind: "put", store: "meta", key: [name], value: 1 }], []);
    expect(await put("first")).toBe("committed");
    let isSettled = false;
    void put("second").finally(() => (isSettled = true));
    await createClock().flush();
    expect([isSettled, crashes, crashing.hasCrashed]).toEqual([false, 1, true]);
    const rows = await inner.range("meta", { prefix: [] });
    expect(rows.map(({ key }) => key[0])).toEqual(when === "before" ? ["first"] : ["first", "second"]);
  });
});
