import type { Change, Storage } from "../../ports/index.ts";
import { check, checkEqual, checkRejects } from "./check.ts";
import { groupChanges, readWholeGroup } from "./groups.ts";
import type { StorageCase } from "./harness.ts";

const put = (value: unknown): Change => ({ kind: "put", store: "documents", key: ["a"], value });
async function valueIn(storage: Storage): Promise<unknown> {
  return (await storage.get("documents", [["a"]]))[0]?.value;
}

export const LIFETIME: readonly StorageCase[] = [
  {
    name: "keeps what was committed when the connection is closed, or never closed",
    async run(device) {
      const first = await device.open("d");
      await first.commit([put(1)], [], { durability: "strict" });
      const row = (await first.get("documents", [["a"]]))[0];
      await first.close();
      const second = await device.open("d");
      checkEqual((await second.get("documents", [["a"]]))[0], row, "the row after a reopening");
      await second.commit([put(2)], [], { durability: "relaxed" });
      const third = await device.open("d");
      checkEqual(await valueIn(third), 2, "the value beside a connection that is open");
    },
  },
  {
    name: "opens again after it was closed",
    async run(device) {
      const storage = await device.open("d");
      await storage.commit([put(1)], []);
      await storage.close();
      await storage.close();
      await storage.open("d", 1);
      checkEqual(await valueIn(storage), 1, "the value");
    },
  },
  {
    name: "finishes a commit that is under way when the connection is closed",
    async run(device) {
      const storage = await device.open("d");
      const committed = storage.commit(groupChanges(1), []).catch(() => "rejected");
      await storage.close();
      const answer = await committed;
      const after = await readWholeGroup(await device.open("d"));
      checkEqual(after, answer === "committed" ? 1 : 0, `the group after ${answer}`);
    },
  },
  {
    name: "rejects calls before open and after close with storageClosed",
    async run(device) {
      const storage = device.connect();
      const calls = () => [
        storage.get("documents", [["a"]]),
        storage.range("documents", { prefix: [] }),
        storage.commit([put(1)], []),
      ];
      for (const call of calls()) await checkRejects(call, "storageClosed", "before open");
      await storage.open("d", 1);
      await storage.close();
      for (const call of calls()) await checkRejects(call, "storageClosed", "after close");
    },
  },
  {
    name: "keeps databases apart by their exact names",
    async run(device) {
      const names = [
        "syncline:app:ann",
        "syncline:app:Ann",
        "syncline/app/ann",
        "syncline:app:../ann",
        "syncline:app:änn 😀",
        `syncline:app:${"x".repeat(300)}`,
        `syncline:app:${"x".repeat(300)}y`,
      ];
      for (const name of names) {
        const storage = await device.open(name);
        checkEqual(await valueIn(storage), undefined, `a new database ${name}`);
        await storage.commit([put(name)], []);
      }
      for (const name of names) checkEqual(await valueIn(await device.open(name)), name, name);
    },
  },
  {
    name: "opens one new database by several connections at once",
    async run(device) {
      const storages = await Promise.all(Array.from({ length: 4 }, () => device.open("d")));
      await storages[0]?.commit([put(1)], []);
      for (const storage of storages) checkEqual(await valueIn(storage), 1, "the value");
    },
  },
  {
    name: "raises the layout and keeps the rows; a connection of the old layout writes nothing any more",
    async run(device) {
      const old = await device.open("d", 1);
      await old.commit([put("old"), ...groupChanges(1)], []);
      const rows = await old.range("documents", { prefix: [] });
      const upgraded = await device.open("d", 2);
      checkEqual(await upgraded.range("documents", { prefix: [] }), rows, "rows after the upgrade");
      await checkRejects(old.commit([put("late")], []), "storageTooNew", "a commit of the old connection");
      await checkRejects(old.get("documents", [["a"]]), "storageTooNew", "get by the old connection");
      await checkRejects(old.get("documents", [["b"]]), "storageTooNew", "get of a row that is absent");
      await checkRejects(
        old.range("documents", { prefix: ["none"] }),
        "storageTooNew",
        "range by the old connection",
      );
      checkEqual(await valueIn(upgraded), "old", "the value");
      checkEqual(await upgraded.commit([put("new")], []), "committed", "a commit of the new connection");
    },
  },
  {
    name: "refuses a newer layout, and leaves the database as it is",
    async run(device) {
      const newer = await device.open("d", 3);
      await newer.commit([put("kept")], []);
      const row = (await newer.get("documents", [["a"]]))[0];
      const old = device.connect();
      await checkRejects(old.open("d", 2), "storageTooNew", "open with an older layout");
      await checkRejects(old.get("documents", [["a"]]), "storageClosed", "get after the refusal");
      checkEqual(await newer.commit([], []), "committed", "the newer connection");
      await newer.close();
      await checkRejects(device.connect().open("d", 1), "storageTooNew", "open when it is closed");
      const again = await device.open("d", 3);
      checkEqual((await again.get("documents", [["a"]]))[0], row, "the row");
    },
  },
  {
    name: "destroys the database for all its connections, and for no other database",
    async run(device) {
      const [storage, other, apart] = [
        await device.open("d", 1),
        await device.open("d", 1),
        await device.open("e", 1),
      ];
      await storage.commit([put(1), ...groupChanges(1)], []);
      await apart.commit([put("apart")], []);
      await storage.destroy();
      await checkRejects(storage.commit([put(2)], []), "storageClosed", "a commit after destroy");
      await checkRejects(other.commit([put(3)], []), "storageClosed", "a commit of another connection");
      await checkRejects(other.get("documents", [["a"]]), "storageClosed", "get of another connection");
      const fresh = await device.open("d", 1);
      checkEqual(await valueIn(fresh), undefined, "the value in a new database");
      checkEqual(await readWholeGroup(fresh), 0, "the group in a new database");
      await checkRejects(other.commit([put(4)], []), "storageClosed", "a commit beside the new database");
      checkEqual(await fresh.commit([put(5)], []), "committed", "a commit to the new database");
      checkEqual(await valueIn(apart), "apart", "another database");
    },
  },
  {
    name: "destroys a database that is closed, also one of a newer layout",
    async run(device) {
      const storage = await device.open("d", 2);
      await storage.commit([put(1)], []);
      await storage.close();
      await storage.destroy();
      const older = await device.open("d", 1);
      checkEqual(await valueIn(older), undefined, "the value");
    },
  },
  {
    name: "estimates the space in use",
    async run(device) {
      const storage = await device.open();
      await storage.commit(groupChanges(1), []);
      const { usage, quota } = await storage.estimate();
      for (const bytes of [usage, quota])
        check(bytes === undefined || (Number.isFinite(bytes) && bytes >= 0), `estimate ${String(bytes)}`);
    },
  },
  {
    name: "rejects a commit that does not fit with storageFull, writes nothing of it, and reads on",
    needs: "fill",
    async run(device) {
      const storage = await device.open("d");
      await storage.commit(groupChanges(1), []);
      const free = await device.fill();
      // Text that no medium can compress into the space that is left.
      const text = Array.from({ length: 400 }, (_, i) => (Math.sin(i + 1) * 1e16).toString(36)).join("");
      const large = Array.from({ length: 500 }, (_, i): Change => {
        return { kind: "put", store: "documents", key: ["large", i], value: { i, text } };
      });
      await checkRejects(storage.commit([...groupChanges(2), ...large], []), "storageFull", "the commit");
      checkEqual(await readWholeGroup(storage), 1, "the group after the refusal");
      checkEqual(await storage.range("documents", { prefix: ["large"] }), [], "rows of the refused commit");
      await free();
      checkEqual(await storage.commit(groupChanges(3), []), "committed", "a commit when there is space");
      checkEqual(await readWholeGroup(storage), 3, "the group");
    },
  },
];
