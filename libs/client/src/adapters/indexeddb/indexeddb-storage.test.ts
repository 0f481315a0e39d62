import "fake-indexeddb/auto";
import { forceCloseDatabase } from "fake-indexeddb";
import { openDB, unwrap } from "idb";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Change, Storage } from "../../ports/index.ts";
import {
  groupChanges,
  readWholeGroup,
  storageTests,
  type StorageHarness,
} from "../../testing/storages/index.ts";
import { commitOnce } from "./commit.ts";
import { indexedDbStorage, type IndexedDbOptions } from "./indexeddb-storage.ts";

afterEach(() => vi.restoreAllMocks());

function createHarness(): StorageHarness {
  const prefix = `${crypto.randomUUID()}:`;
  return {
    connect() {
      const storage = indexedDbStorage();
      const open = storage.open.bind(storage);
      storage.open = (name, layout) => open(prefix + name, layout);
      return storage;
    },
    async dispose() {
      for (const { name } of await indexedDB.databases())
        if (name?.startsWith(prefix)) indexedDB.deleteDatabase(name);
    },
  };
}

async function openStorage(options?: IndexedDbOptions): Promise<{ name: string; storage: Storage }> {
  const name = crypto.randomUUID();
  const storage = indexedDbStorage(options);
  await storage.open(name, 1);
  return { name, storage };
}

/** Runs `fault` in place of the n-th put from now (from 1). */
function faultAtPut(n: number, fault: (store: IDBObjectStore) => void): void {
  // Called with the store as `this` below.
  // oxlint-disable-next-line typescript/unbound-method
  const { put } = IDBObjectStore.prototype;
  let count = 0;
  vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...args) {
    count += 1;
    if (count === n) fault(this);
    return put.apply(this, args);
  });
}

/** Ends the connection and its transactions, as a browser does that closes it in the background. */
function terminate({ transaction }: IDBObjectStore): void {
  transaction.abort();
  forceCloseDatabase(transaction.db as never);
}

const put = (value: unknown): Change => ({ kind: "put", store: "documents", key: ["a"], value });

describe("IndexedDB", () => {
  for (const { name, run } of storageTests(createHarness)) it(name, run);

  it.each([1, 2, 30, 60])("leaves nothing of a commit that is aborted at put %i", async (n) => {
    const { storage } = await openStorage();
    await storage.commit(groupChanges(1), []);
    faultAtPut(n, (store) => store.transaction.abort());
    expect(await storage.commit(groupChanges(2), [])).toBe("committed");
    expect(await readWholeGroup(storage)).toBe(2);
    // The repetition is aborted, too.
    vi.restoreAllMocks();
    let count = 0;
    // Called with the store as `this` below.
    // oxlint-disable-next-line typescript/unbound-method
    const { put } = IDBObjectStore.prototype;
    vi.spyOn(IDBObjectStore.prototype, "put").mockImplementation(function (this: IDBObjectStore, ...args) {
      count += 1;
      if (count % n === 0) this.transaction.abort();
      return put.apply(this, args);
    });
    await expect(storage.commit(groupChanges(3), [])).rejects.toMatchObject({ code: "storageUnavailable" });
    expect(await readWholeGroup(storage)).toBe(2);
  });

  it.each([1, 30, 60])("repeats a commit whose connection the browser ends at put %i", async (n) => {
    const { storage } = await openStorage();
    await storage.commit([put(0)], []);
    const [row] = await storage.get("documents", [["a"]]);
    faultAtPut(n, terminate);
    const expected = { store: "documents", key: ["a"], revision: row?.revision ?? null } as const;
    expect(await storage.commit(groupChanges(1), [expected])).toBe("committed");
    expect(await readWholeGroup(storage)).toBe(1);
  });

  it("reads on a new connection after the browser has ended the first one", async () => {
    const { storage } = await openStorage();
    await storage.commit([put(1)], []);
    faultAtPut(1, terminate);
    await storage.commit([put(2)], []);
    const ended = new Set<IDBDatabase>();
    // oxlint-disable-next-line typescript/unbound-method
    const { transaction } = IDBDatabase.prototype;
    vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(function (this: IDBDatabase, ...args) {
      if (ended.size === 0) ended.add(this);
      if (ended.has(this)) throw new DOMException("The connection was closed", "InvalidStateError");
      return transaction.apply(this, args);
    });
    expect((await storage.get("documents", [["a"]]))[0]?.value).toBe(2);
  });

  it("gives up if the browser ends the second connection, too", async () => {
    const { storage } = await openStorage();
    vi.spyOn(IDBDatabase.prototype, "transaction").mockImplementation(() => {
      throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
    });
    await expect(storage.get("documents", [["a"]])).rejects.toMatchObject({ code: "storageUnavailable" });
    vi.restoreAllMocks();
    expect(await storage.get("documents", [["a"]])).toEqual([undefined]);
  });

  it("does not repeat a commit that had taken effect when the connection was lost", async () => {
    const { name, storage } = await openStorage();
    const expected = { store: "documents", key: ["a"], revision: null } as const;
    const commit = { changes: [put(1)], expect: [expected], durability: "strict", revision: 42 } as const;
    const db = await openDB(name, 1);
    expect(await commitOnce(db, { ...commit, repeated: false })).toBe("committed");
    expect(await commitOnce(db, { ...commit, repeated: true })).toBe("committed");
    expect(await commitOnce(db, { ...commit, revision: 43, repeated: true })).toBe("changed");
    expect(await storage.get("documents", [["a"]])).toEqual([{ key: ["a"], revision: 42, value: 1 }]);
    unwrap(db).close();
  });

  it("does not create the database again when the site's data was cleared", async () => {
    const { name, storage } = await openStorage();
    faultAtPut(1, (store) => {
      terminate(store);
      indexedDB.deleteDatabase(name);
    });
    await expect(storage.commit([put(1)], [])).rejects.toMatchObject({ code: "storageClosed" });
    await expect(storage.get("documents", [["a"]])).rejects.toMatchObject({ code: "storageClosed" });
    expect((await indexedDB.databases()).map((database) => database.name)).not.toContain(name);
  });

  it.each([1, 30, 60])("reports a quota exceeded at put %i as storageFull, and writes nothing", async (n) => {
    const { storage } = await openStorage();
    await storage.commit(groupChanges(1), []);
    faultAtPut(n, () => {
      throw new DOMException("full", "QuotaExceededError");
    });
    await expect(storage.commit(groupChanges(2), [])).rejects.toMatchObject({ code: "storageFull" });
    expect(await readWholeGroup(storage)).toBe(1);
    expect(await storage.commit(groupChanges(3), [])).toBe("committed");
  });

  it("reports a newer layout once, and a deletion never, as outdated", async () => {
    const onOutdated = vi.fn<() => void>();
    const { name, storage } = await openStorage({ onOutdated });
    const newer = indexedDbStorage();
    await newer.open(name, 2);
    expect(onOutdated).toHaveBeenCalledTimes(1);
    await expect(storage.commit([put(1)], [])).rejects.toMatchObject({ code: "storageTooNew" });

    const second = await openStorage({ onOutdated });
    const destroyer = indexedDbStorage();
    await destroyer.open(second.name, 1);
    await destroyer.destroy();
    await expect(second.storage.commit([put(1)], [])).rejects.toMatchObject({ code: "storageClosed" });
    expect(onOutdated).toHaveBeenCalledTimes(1);
    await newer.close();
  });

  it("asks for the durability of each commit", async () => {
    const { storage } = await openStorage();
    const transaction = vi.spyOn(IDBDatabase.prototype, "transaction");
    await storage.commit([put(1)], []);
    await storage.commit([put(1)], [], { durability: "relaxed" });
    expect(transaction.mock.calls.map(([, , options]) => options?.durability)).toEqual(["strict", "relaxed"]);
  });

  it("rejects with storageUnavailable if the browser has no IndexedDB", async () => {
    vi.stubGlobal("indexedDB", undefined);
    try {
      await expect(indexedDbStorage().open("d", 1)).rejects.toMatchObject({ code: "storageUnavailable" });
    } finally {
      vi.unstubAllGlobals();
    }
  });
});
