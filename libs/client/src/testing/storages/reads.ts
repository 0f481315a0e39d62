import type { Change, Key, KeyPart, KeyRange, Row, Storage } from "../../ports/index.ts";
import { checkEqual } from "./check.ts";
import type { StorageCase } from "./harness.ts";
import { compareKeys, rangeOf } from "./model.ts";

/** Keys that a wrong order or a wrong encoding would confuse, in their order. */
const ORDERED_KEYS: readonly Key[] = [
  [],
  [-Infinity],
  [-1e300],
  [-2],
  [-1.5],
  [-1],
  [-5e-324],
  [0],
  [0, 1],
  [0, ""],
  [5e-324],
  [0.1],
  [1],
  [1, 1],
  [1, 2],
  [1, 10],
  [1, "1"],
  [2],
  [10],
  [2 ** 53],
  [1e300],
  [Infinity],
  [""],
  ["", 1],
  ["", ""],
  ["\0"],
  ["\0", 0],
  ["\0\0"],
  ["\0a"],
  ["\u0001"],
  ["\u0001\u0001"],
  ["\u0002"],
  ["1"],
  ["A"],
  ["a"],
  ["a", -1],
  ["a", 1, "x"],
  ["a", 2],
  ["a", 10],
  ["a", "b"],
  ["a", "b", 1],
  ["a", "b", "c"],
  ["a", "b\0"],
  ["a", "bb"],
  ["a\0"],
  ["a\0", "b"],
  ["a\u0001"],
  ["a "],
  ["aa"],
  ["b"],
  ["z"],
  ["\u007f"],
  ["\u0080"],
  ["é"],
  ["\u07ff"],
  ["\u0800"],
  ["日本"],
  ["\ud83d"], // half of a pair, alone
  ["😀"], // U+1F600 is less than U+FF5E by UTF-16 code units, and greater by code points
  ["～"],
  ["\uffff"],
];

const keysOf = (rows: readonly Row[]) => rows.map((row) => row.key);
const putsOf = (keys: readonly Key[]): Change[] =>
  keys.map((key) => ({ kind: "put", store: "documents", key, value: { key } }));

/** A permutation that depends on nothing but the number of elements. */
const shuffled = <T>(items: readonly T[]) => items.map((_, i) => items[(i * 37 + 11) % items.length] as T);

async function checkRange(storage: Storage, range: KeyRange, expected: readonly Key[]) {
  const about = JSON.stringify(range);
  checkEqual(keysOf(await storage.range("documents", range)), expected, about);
  const reversed = await storage.range("documents", range, { reverse: true });
  checkEqual(keysOf(reversed), expected.toReversed(), `${about}, in reverse`);
}

export const READS: readonly StorageCase[] = [
  {
    name: "returns a row for each requested key, in the order of the request",
    async run(device) {
      const storage = await device.open();
      await storage.commit(putsOf([["a"], ["b"], [1]]), []);
      const rows = await storage.get("documents", [["b"], ["none"], [1], ["a"], ["b"], []]);
      checkEqual(
        rows.map((row) => row?.value),
        [{ key: ["b"] }, undefined, { key: [1] }, { key: ["a"] }, { key: ["b"] }, undefined],
        "get",
      );
      checkEqual(
        rows.map((row) => row?.key),
        [["b"], undefined, [1], ["a"], ["b"], undefined],
        "keys",
      );
      checkEqual(await storage.get("documents", []), [], "get of no keys");
    },
  },
  {
    name: "reads thousands of keys at once",
    async run(device) {
      const storage = await device.open();
      const keys = Array.from({ length: 2_500 }, (_, i): Key => ["ws", "notes", `n${i}`]);
      await storage.commit(putsOf(keys.filter((_, i) => i % 2 === 0)), []);
      const rows = await storage.get("documents", keys);
      checkEqual(
        rows.map((row) => row?.key),
        keys.map((key, i) => (i % 2 === 0 ? key : undefined)),
        "get",
      );
    },
  },
  {
    name: "orders composite keys of numbers and strings part by part",
    async run(device) {
      checkEqual(ORDERED_KEYS.toSorted(compareKeys), ORDERED_KEYS, "the model");
      const storage = await device.open();
      await storage.commit(putsOf(shuffled(ORDERED_KEYS)), []);
      await checkRange(storage, { prefix: [] }, ORDERED_KEYS);
    },
  },
  {
    name: "treats -0 and 0 as one key",
    async run(device) {
      const storage = await device.open();
      await storage.commit(putsOf([["a", -0]]), []);
      const rows = await storage.get("documents", [
        ["a", 0],
        ["a", -0],
      ]);
      checkEqual(rows[0]?.revision, rows[1]?.revision, "revisions");
      checkEqual(Object.is(rows[0]?.key[1], 0), true, "the key that comes back is 0");
    },
  },
  {
    name: "reads the keys of a prefix, within the bounds of the next part",
    async run(device) {
      const storage = await device.open();
      await storage.commit(putsOf(ORDERED_KEYS), []);
      const bounds: (KeyPart | undefined)[] = [undefined, 0, 1, "", "a", "😀"];
      for (const prefix of [[], [0], [1], ["a"], ["a", "b"], [""], ["\0"], ["none"]] as Key[])
        for (const from of bounds)
          for (const to of bounds)
            for (const open of [false, true]) {
              const range: KeyRange = {
                prefix,
                ...(from !== undefined && { from, fromOpen: open }),
                ...(to !== undefined && { to, toOpen: open }),
              };
              await checkRange(storage, range, rangeOf(ORDERED_KEYS, range));
            }
    },
  },
  {
    name: "stops at the limit, from the end in reverse",
    async run(device) {
      const storage = await device.open();
      const keys = Array.from({ length: 7 }, (_, i): Key => ["a", i]);
      await storage.commit(putsOf([...keys, ["b", 1]]), []);
      const range: KeyRange = { prefix: ["a"] };
      for (const limit of [0, 1, 3, 7, 8]) {
        const forward = await storage.range("documents", range, { limit });
        checkEqual(keysOf(forward), keys.slice(0, limit), `limit ${limit}`);
        const reverse = await storage.range("documents", range, { limit, reverse: true });
        checkEqual(keysOf(reverse), keys.toReversed().slice(0, limit), `limit ${limit} in reverse`);
      }
    },
  },
  {
    name: "keeps the stores apart",
    async run(device) {
      const storage = await device.open();
      const key = ["same"];
      await storage.commit(
        [
          { kind: "put", store: "documents", key, value: 1 },
          { kind: "put", store: "index", key, value: 2 },
          { kind: "put", store: "outbox", key, value: 3 },
          { kind: "put", store: "outcomes", key, value: 4 },
          { kind: "put", store: "meta", key, value: 5 },
          { kind: "put", store: "blobs", key, value: new Uint8Array([6]) },
        ],
        [],
      );
      await storage.commit([{ kind: "delete", store: "outbox", key }], []);
      const values: unknown[] = [];
      for (const store of ["documents", "index", "outbox", "outcomes", "meta", "blobs"] as const)
        values.push((await storage.range(store, { prefix: key }))[0]?.value);
      checkEqual(values, [1, 2, undefined, 4, 5, new Uint8Array([6])], "values by store");
    },
  },
  {
    name: "returns each value as it was when it was written",
    async run(device) {
      const storage = await device.open();
      const values: unknown[] = [
        null,
        undefined,
        true,
        false,
        0,
        -1.5,
        Number.MAX_SAFE_INTEGER,
        5e-324,
        "",
        "a\0b\u2028😀",
        [],
        {},
        [null, [1, [2]]],
        { a: { b: [{ c: null }] }, "": 1, toString: "x", constructor: 2 },
        { text: "x".repeat(300_000) },
        new Uint8Array(),
        new Uint8Array([0, 1, 127, 128, 255]),
      ];
      const key = (i: number): Key => ["v", i];
      await storage.commit(
        values.map((value, i): Change => ({ kind: "put", store: "documents", key: key(i), value })),
        [],
      );
      const rows = await storage.range("documents", { prefix: ["v"] });
      rows.forEach((row, i) => checkEqual(row.value, values[i], `value ${i}`));
      checkEqual(rows.length, values.length, "number of rows");
    },
  },
  {
    name: "shares no object with its caller",
    async run(device) {
      const storage = await device.open();
      const key = ["k"];
      const value = { tags: ["a"] };
      await storage.commit([{ kind: "put", store: "documents", key, value }], []);
      value.tags.push("after the commit");
      const [first] = await storage.get("documents", [key]);
      checkEqual(first?.value, { tags: ["a"] }, "the stored value");
      (first as Row & { value: typeof value }).value.tags.push("in a result");
      const [second] = await storage.get("documents", [key]);
      checkEqual(second?.value, { tags: ["a"] }, "the stored value after a result was changed");
    },
  },
];
