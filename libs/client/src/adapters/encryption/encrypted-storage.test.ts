import "fake-indexeddb/auto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Change, Key, Log, Storage } from "../../ports/index.ts";
import { storageTests } from "../../testing/storages/index.ts";
import { indexedDbStorage } from "../indexeddb/index.ts";
import { sqliteStorage } from "../sqlite/index.ts";
import { nodeSqlite } from "../sqlite/node.ts";
import { encryptedStorage, type EncryptionOptions } from "./encrypted-storage.ts";
import { pagesOf } from "./pages-of.ts";

const NAME = "syncline:test:ann";
const SECRET = "the patient's diagnosis";

const newKey = () =>
  crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
const [first, second, third] = [await newKey(), await newKey(), await newKey()];
const withKeys = (key: CryptoKey, ...formerKeys: CryptoKey[]): EncryptionOptions => ({
  key: async () => key,
  formerKeys: async () => formerKeys,
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "syncline-encrypted-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const plainStorage = () => sqliteStorage(nodeSqlite(folder));

async function openEncrypted(options: EncryptionOptions): Promise<Storage> {
  const storage = encryptedStorage(plainStorage(), options);
  await storage.open(NAME, 1);
  return storage;
}

/** The rows as they are stored, with the storage that reads them. */
async function withStoredRows<T>(read: (inner: Storage) => Promise<T>): Promise<T> {
  const inner = plainStorage();
  await inner.open(NAME, 2 ** 20 + 1);
  try {
    return await read(inner);
  } finally {
    await inner.close();
  }
}

/** The ids of the keys that the database names. */
const storedKeyIds = () =>
  withStoredRows(async (inner) => {
    const rows = await inner.get("meta", [["encryption"]]);
    return rows.flatMap((row) =>
      row === undefined ? [] : (row.value as { keys: { id: number }[] }).keys.map(({ id }) => id),
    );
  });

const document = (i: number, text: string): Change => ({
  kind: "put",
  store: "documents",
  key: ["ws", "notes", `note-${i}`],
  value: { text, i },
});
const documents = (count: number) => Array.from({ length: count }, (_, i) => document(i, `${SECRET} ${i}`));
const textsIn = async (storage: Storage) =>
  (await storage.range("documents", { prefix: ["ws"] })).map((row) => (row.value as { text: string }).text);

function bytesOnDisk(): Buffer {
  return Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))));
}

describe.each([
  [
    "SQLite",
    () => {
      const root = mkdtempSync(join(tmpdir(), "syncline-encrypted-"));
      const connect = () => encryptedStorage(sqliteStorage(nodeSqlite(root)), withKeys(first));
      return { connect, dispose: async () => rmSync(root, { recursive: true }) };
    },
  ],
  [
    "IndexedDB",
    () => {
      const prefix = crypto.randomUUID();
      const connect = () => {
        const storage = encryptedStorage(indexedDbStorage(), withKeys(first));
        const open = storage.open.bind(storage);
        storage.open = (name, layout) => open(prefix + name, layout);
        return storage;
      };
      return { connect };
    },
  ],
])("encryption over %s", (_, createHarness) => {
  for (const { name, run } of storageTests(createHarness)) it(name, run);
});

it("leaves no value readable in the files of the database, and keys of rows readable", async () => {
  const storage = await openEncrypted(withKeys(first));
  const secrets: Change[] = [
    document(1, SECRET),
    { kind: "put", store: "outbox", key: ["ws", 1], value: { effect: { data: SECRET } } },
    { kind: "put", store: "outcomes", key: ["ws", 1], value: { data: SECRET } },
    { kind: "put", store: "meta", key: ["workspace", "ws"], value: { decisions: [{ data: SECRET }] } },
    { kind: "put", store: "blobs", key: ["hash"], value: new TextEncoder().encode(SECRET) },
  ];
  await storage.commit(secrets, []);
  expect(bytesOnDisk().includes(SECRET)).toBe(false); // The write-ahead log is there, too.
  await storage.close();
  expect(bytesOnDisk().includes(SECRET)).toBe(false);
  expect(bytesOnDisk().includes("note-1")).toBe(true);
});

it("rejects a wrong key with storageLocked, and leaves the database as it is", async () => {
  const storage = await openEncrypted(withKeys(first));
  await storage.commit(documents(3), []);
  await storage.close();
  const before = await withStoredRows((inner) => inner.range("documents", { prefix: [] }));

  const locked = encryptedStorage(plainStorage(), withKeys(second, third));
  await expect(locked.open(NAME, 1)).rejects.toMatchObject({ code: "storageLocked" });
  await expect(locked.get("documents", [["ws"]])).rejects.toMatchObject({ code: "storageClosed" });
  const lost = encryptedStorage(plainStorage(), {
    key: async () => {
      throw new Error("the keychain is locked");
    },
  });
  await expect(lost.open(NAME, 1)).rejects.toMatchObject({ code: "storageLocked" });

  expect(await withStoredRows((inner) => inner.range("documents", { prefix: [] }))).toEqual(before);
  expect(await textsIn(await openEncrypted(withKeys(first)))).toHaveLength(3);
});

it("can destroy a database whose key is lost", async () => {
  await (await openEncrypted(withKeys(first))).close();
  const locked = encryptedStorage(plainStorage(), withKeys(second));
  await expect(locked.open(NAME, 1)).rejects.toMatchObject({ code: "storageLocked" });
  await locked.destroy();
  expect(await textsIn(await openEncrypted(withKeys(second)))).toEqual([]);
});

it("encrypts all values with a new key in the background, and then needs the former one no more", async () => {
  const storage = await openEncrypted(withKeys(first));
  await storage.commit(documents(450), []);
  await storage.commit([{ kind: "put", store: "index", key: ["ws", "by", 1], value: undefined }], []);
  await storage.close();

  const rotating = await openEncrypted(withKeys(second, first));
  expect((await textsIn(rotating))[449]).toContain(SECRET);
  await expect.poll(storedKeyIds).toEqual([2]);
  await rotating.close();

  const rotated = await openEncrypted(withKeys(second));
  expect(await textsIn(rotated)).toHaveLength(450);
  expect(await rotated.range("index", { prefix: ["ws"] })).toMatchObject([{ key: ["ws", "by", 1] }]);
  await rotated.close();
  const late = encryptedStorage(plainStorage(), withKeys(first));
  await expect(late.open(NAME, 1)).rejects.toMatchObject({ code: "storageLocked" });
});

it("continues to encrypt anew after it was closed in the middle, and needs both keys until then", async () => {
  const storage = await openEncrypted(withKeys(first));
  await storage.commit(documents(450), []);
  await storage.close();
  await (await openEncrypted(withKeys(second, first))).close();
  expect(await storedKeyIds()).toEqual([1, 2]);
  const oneKey = encryptedStorage(plainStorage(), withKeys(second));
  await expect(oneKey.open(NAME, 1)).rejects.toMatchObject({ code: "storageLocked" });
  const again = await openEncrypted(withKeys(second, first));
  await expect.poll(storedKeyIds).toEqual([2]);
  expect(await textsIn(again)).toHaveLength(450);
});

it("lets several tabs write while the key changes, and loses no write", async () => {
  const old = await openEncrypted(withKeys(first, second));
  await old.commit(documents(450), []);
  const rotating = await openEncrypted(withKeys(second, first));
  const edits = Array.from({ length: 40 }, (_, i) =>
    (i % 2 === 0 ? old : rotating).commit([document(i, `edited ${i}`)], [], { durability: "relaxed" }),
  );
  expect(new Set(await Promise.all(edits))).toEqual(new Set(["committed"]));
  for (const storage of [old, rotating])
    expect((await textsIn(storage)).filter((text) => text.startsWith("edited"))).toHaveLength(40);
});

it("locks a tab that does not know the new key, and writes nothing by the former one", async () => {
  const old = await openEncrypted(withKeys(first));
  await old.commit(documents(3), []);
  const rotating = await openEncrypted(withKeys(second, first));
  await expect.poll(storedKeyIds).toEqual([2]);
  await expect(old.commit([document(0, "late")], [])).rejects.toMatchObject({ code: "storageLocked" });
  await expect(old.get("documents", [["ws", "notes", "note-0"]])).rejects.toMatchObject({
    code: "storageLocked",
  });
  expect((await textsIn(rotating))[0]).toBe(`${SECRET} 0`);
});

it("encrypts a database that was not encrypted, and refuses it to code without encryption", async () => {
  const plain = plainStorage();
  await plain.open(NAME, 1);
  await plain.commit(
    [...documents(450), { kind: "put", store: "blobs", key: ["b"], value: Uint8Array.of(1) }],
    [],
  );
  const storage = await openEncrypted(withKeys(first));
  await expect(plain.commit([document(0, "late")], [])).rejects.toMatchObject({ code: "storageTooNew" });
  await plain.close();
  expect(await textsIn(storage)).toHaveLength(450);
  const isSealed = () =>
    withStoredRows(async (inner) => {
      const rows = [
        ...(await inner.range("documents", { prefix: [] })),
        ...(await inner.range("blobs", { prefix: [] })),
      ];
      return rows.filter((row) => !(row.value instanceof Uint8Array) || row.value.length < 20).length;
    });
  await expect.poll(isSealed).toBe(0);
  expect((await storage.get("blobs", [["b"]]))[0]?.value).toEqual(Uint8Array.of(1));
  await expect(plainStorage().open(NAME, 1)).rejects.toMatchObject({ code: "storageTooNew" });
});

it("refuses values that were moved to another row, changed, or written in the clear", async () => {
  const storage = await openEncrypted(withKeys(first));
  await storage.commit(documents(4), []);
  await storage.close();
  const keyOf = (i: number): Key => ["ws", "notes", `note-${i}`];
  await withStoredRows(async (inner) => {
    const [row] = await inner.get("documents", [keyOf(0)]);
    const sealed = row?.value as Uint8Array;
    const changed = sealed.slice();
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1;
    await inner.commit(
      [sealed, changed, { text: "plain" }].map((value, i) => ({
        kind: "put",
        store: "documents",
        key: keyOf(i + 1),
        value,
      })),
      [],
    );
  });
  const opened = await openEncrypted(withKeys(first));
  expect((await opened.get("documents", [keyOf(0)]))[0]?.value).toMatchObject({ i: 0 });
  for (const i of [1, 2, 3])
    await expect(opened.get("documents", [keyOf(i)])).rejects.toMatchObject({ code: "storageLocked" });
});

it("warns if it cannot encrypt anew, and does so at the next opening", async () => {
  const storage = await openEncrypted(withKeys(first));
  await storage.commit(documents(3), []);
  await storage.close();
  const inner = plainStorage();
  const commit = vi.spyOn(inner, "commit");
  const log = vi.fn<Log>();
  commit.mockImplementation(async (changes, ...rest) => {
    if (changes.some(({ store }) => store === "documents")) throw new Error("the device is full");
    return sqliteCommit(changes, ...rest);
  });
  const sqliteCommit = Object.getPrototypeOf(inner).commit.bind(inner) as Storage["commit"];
  const failing = encryptedStorage(inner, { ...withKeys(second, first), log });
  await failing.open(NAME, 1);
  await expect.poll(() => log.mock.calls).toMatchObject([["warn", expect.anything(), { error: /full/ }]]);
  expect(await textsIn(failing)).toHaveLength(3);
  await failing.close();
  await openEncrypted(withKeys(second, first));
  await expect.poll(storedKeyIds).toEqual([2]);
});

it("reads all rows of a store page by page, also keys that continue others", async () => {
  const storage = plainStorage();
  await storage.open(NAME, 1);
  const parts = ["", "a", "b", -1, 0, 7];
  const keys: Key[] = [
    [],
    ...parts.flatMap((a) => [
      [a],
      ...parts.flatMap((b) => [
        [a, b],
        [a, b, 1],
        [a, b, "x"],
      ]),
    ]),
  ];
  await storage.commit(
    keys.map((key) => ({ kind: "put", store: "documents", key, value: key })),
    [],
  );
  const all = await storage.range("documents", { prefix: [] });
  for (const limit of [1, 2, 5, 200]) {
    const read: unknown[] = [];
    for await (const page of pagesOf(storage, "documents", limit)) read.push(...page);
    expect(read).toEqual(all);
  }
});
