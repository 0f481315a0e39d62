import type { Change, Expected, Key, Row, Storage } from "../../ports/index.ts";
import { check, checkEqual, checkRejects } from "./check.ts";
import type { StorageCase } from "./harness.ts";
import { StorageModel } from "./model.ts";

const put = (key: Key, value: unknown): Change => ({ kind: "put", store: "documents", key, value });
const remove = (key: Key): Change => ({ kind: "delete", store: "documents", key });
const expecting = (key: Key, revision: number | null): Expected => ({ store: "documents", key, revision });

async function rowOf(storage: Storage, key: Key): Promise<Row | undefined> {
  const [row] = await storage.get("documents", [key]);
  return row;
}
async function revisionOf(storage: Storage, key: Key): Promise<number | null> {
  return (await rowOf(storage, key))?.revision ?? null;
}

/** Adds 1 to a number in a row, again until no other connection came between. Returns the number of attempts. */
async function increment(storage: Storage, key: Key): Promise<number> {
  for (let attempts = 1; ; attempts += 1) {
    const row = await rowOf(storage, key);
    const change = put(key, ((row?.value as number | undefined) ?? 0) + 1);
    if ((await storage.commit([change], [expecting(key, row?.revision ?? null)])) === "committed")
      return attempts;
  }
}

/** Returns numbers from 0 to below `bound`, the same ones for a seed (mulberry32). */
function seededNumbers(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}

const RANDOM_STORES = ["documents", "outbox", "meta"] as const;

/** Random commits by two connections, with expectations of which some are wrong, against the model. */
async function runRandomCommits(device: { open(): Promise<Storage> }, seed: number): Promise<void> {
  const random = seededNumbers(seed);
  const connections = [await device.open(), await device.open()];
  const model = new StorageModel();
  const randomKey = (): Key => {
    const parts = ["a", "b", "", 1, 2, -1];
    return Array.from({ length: random(3) + 1 }, () => parts[random(parts.length)] as string | number);
  };
  for (let step = 0; step < 150; step += 1) {
    const storage = connections[random(2)] as Storage;
    const changes = Array.from({ length: random(6) }, (_, i): Change => {
      const at = { store: RANDOM_STORES[random(RANDOM_STORES.length)] as "meta", key: randomKey() };
      return random(3) === 0 ? { kind: "delete", ...at } : { kind: "put", ...at, value: { step, i } };
    });
    const expect: Expected[] = [];
    let stale = false;
    for (let i = random(3); i > 0; i -= 1) {
      const at = { store: RANDOM_STORES[random(RANDOM_STORES.length)] as "meta", key: randomKey() };
      const [row] = await (connections[random(2)] as Storage).get(at.store, [at.key]);
      checkEqual(row !== undefined, model.has(at.store, at.key), `seed ${seed}, step ${step}: presence`);
      const wrong = random(6) === 0;
      stale ||= wrong;
      expect.push({ ...at, revision: wrong ? (row === undefined ? 7 : null) : (row?.revision ?? null) });
    }
    const answer = await storage.commit(changes, expect);
    checkEqual(answer, stale ? "changed" : "committed", `seed ${seed}, step ${step}: answer`);
    if (answer === "committed") model.apply(changes);
    const store = RANDOM_STORES[random(RANDOM_STORES.length)] as "meta";
    const rows = await (connections[random(2)] as Storage).range(store, { prefix: [] });
    checkEqual(
      rows.map(({ key, value }) => ({ key, value })),
      model.range(store, { prefix: [] }),
      `seed ${seed}, step ${step}: ${store}`,
    );
  }
}

export const COMMITS: readonly StorageCase[] = [
  {
    name: "answers `changed` and writes nothing if an expected row has another revision",
    async run(device) {
      const storage = await device.open();
      await storage.commit([put(["a"], 1), put(["b"], 1)], []);
      const a = await revisionOf(storage, ["a"]);
      const b = await revisionOf(storage, ["b"]);
      await storage.commit([put(["b"], 2)], [expecting(["b"], b)]);
      const changes = [
        put(["a"], 9),
        put(["new"], 9),
        remove(["b"]),
        { ...put(["a"], 9), store: "outbox" as const },
      ];
      for (const wrong of [
        expecting(["b"], b),
        expecting(["b"], null),
        expecting(["none"], 1),
        expecting(["none"], a),
      ])
        checkEqual(await storage.commit(changes, [expecting(["a"], a), wrong]), "changed", "answer");
      checkEqual(
        (await storage.range("documents", { prefix: [] })).map((row) => [row.key, row.value]),
        [
          [["a"], 1],
          [["b"], 2],
        ],
        "documents",
      );
      checkEqual(await storage.range("outbox", { prefix: [] }), [], "outbox");
      const right = [expecting(["a"], a), expecting(["none"], null)];
      checkEqual(await storage.commit(changes, right), "committed", "answer to a right expectation");
      checkEqual(await revisionOf(storage, ["b"]), null, "the deleted row");
    },
  },
  {
    name: "checks expectations of rows that the commit does not write, and commits of nothing",
    async run(device) {
      const storage = await device.open();
      checkEqual(await storage.commit([], []), "committed", "nothing");
      checkEqual(await storage.commit([], [expecting(["a"], null)]), "committed", "absent");
      checkEqual(await storage.commit([], [expecting(["a"], 1)]), "changed", "present");
      const meta: Expected = { store: "meta", key: ["leader"], revision: null };
      checkEqual(await storage.commit([put(["a"], 1)], [meta]), "committed", "another store");
    },
  },
  {
    name: "gives a row a new revision with each write, and never an old one again",
    async run(device) {
      const storage = await device.open();
      const key = ["a"];
      const seen = new Set<number>();
      for (let i = 0; i < 20; i += 1) {
        await storage.commit([put(key, "same value")], []);
        const revision = await revisionOf(storage, key);
        check(revision !== null && Number.isSafeInteger(revision), `revision ${String(revision)}`);
        check(!seen.has(revision as number), "the revision was used before");
        seen.add(revision as number);
        const [fromRange] = await storage.range("documents", { prefix: key });
        checkEqual(fromRange?.revision, revision, "the revision in a range");
        if (i % 3 === 0) await storage.commit([remove(key)], []);
      }
    },
  },
  {
    name: "applies the changes of one commit in their order",
    async run(device) {
      const storage = await device.open();
      await storage.commit(
        [put(["a"], 1), put(["a"], 2), remove(["b"]), put(["b"], 1), put(["c"], 1), remove(["c"])],
        [],
      );
      const rows = await storage.range("documents", { prefix: [] });
      checkEqual(
        rows.map((row) => [row.key, row.value]),
        [
          [["a"], 2],
          [["b"], 1],
        ],
        "rows",
      );
    },
  },
  {
    name: "writes nothing of a commit with a key that is not valid",
    async run(device) {
      const storage = await device.open();
      await checkRejects(storage.commit([put(["a"], 1), put([NaN], 2)], []), undefined, "commit");
      checkEqual(await storage.range("documents", { prefix: [] }), [], "rows");
      checkEqual(await storage.commit([put(["a"], 1)], []), "committed", "the next commit");
    },
  },
  {
    name: "lets one of several commits with the same expectation win",
    async run(device) {
      const connections = [await device.open(), await device.open()];
      const key = ["leader"];
      for (let round = 0; round < 10; round += 1) {
        const revision = await revisionOf(connections[0] as Storage, key);
        const answers = await Promise.all(
          [0, 1, 2, 3].map((i) =>
            (connections[i % 2] as Storage).commit(
              [put(key, i), put(["by", i, round], round)],
              [expecting(key, revision)],
            ),
          ),
        );
        checkEqual(answers.filter((answer) => answer === "committed").length, 1, "winners");
        const winner = answers.indexOf("committed");
        checkEqual((await rowOf(connections[1] as Storage, key))?.value, winner, "the value");
        const traces = await (connections[0] as Storage).range("documents", { prefix: ["by"] });
        checkEqual(traces.length, round + 1, "rows of winners");
      }
    },
  },
  {
    name: "loses no increment of two connections that race",
    async run(device) {
      const connections = [await device.open(), await device.open()];
      const work = async (storage: Storage) => {
        for (let i = 0; i < 25; i += 1) await increment(storage, ["n"]);
      };
      await Promise.all([...connections, ...connections].map(work));
      checkEqual((await rowOf(connections[0] as Storage, ["n"]))?.value, 100, "the sum");
    },
  },
  {
    name: "shows a commit whole or not at all to other reads",
    async run(device) {
      const [writer, other] = [await device.open(), await device.open()];
      const keys: Key[] = Array.from({ length: 320 }, (_, i) => ["pair", i]);
      const progress = { done: false };
      const write = async () => {
        for (let n = 1; n <= 5; n += 1)
          await writer.commit(
            keys.map((key) => put(key, n)),
            [],
          );
        progress.done = true;
      };
      const read = async (storage: Storage) => {
        while (!progress.done) {
          // A storage that answers at once would never let the timers and the I/O of the other one run.
          await new Promise((resolve) => setTimeout(resolve));
          const got = await storage.get("documents", keys);
          checkEqual(new Set(got.map((row) => row?.value)).size, 1, "different values in get");
          const ranged = await storage.range("documents", { prefix: ["pair"] });
          check(ranged.length === 0 || ranged.length === keys.length, "some rows in range");
          check(new Set(ranged.map((row) => row.value)).size < 2, "different values in range");
        }
      };
      await Promise.all([write(), read(writer), read(other)]);
    },
  },
  {
    name: "holds 10,000 rows, and reads them page by page",
    async run(device) {
      const storage = await device.open();
      const keys = Array.from({ length: 10_000 }, (_, i): Key => ["ws", "notes", `n${i}`]);
      await storage.commit(
        keys.map((key) => put(key, { title: key[2] })),
        [],
        { durability: "relaxed" },
      );
      let count = 0;
      let last: string | undefined;
      for (;;) {
        const after = last === undefined ? {} : { from: last, fromOpen: true };
        const rows = await storage.range("documents", { prefix: ["ws", "notes"], ...after }, { limit: 999 });
        if (rows.length === 0) break;
        for (const row of rows) {
          check(last === undefined || last < (row.key[2] as string), "keys out of order");
          last = row.key[2] as string;
        }
        count += rows.length;
      }
      checkEqual(count, keys.length, "rows read");
      await storage.commit(keys.map(remove), []);
      checkEqual(await storage.range("documents", { prefix: [] }), [], "rows after all were deleted");
    },
  },
  ...[1, 2, 3].map((seed): StorageCase => ({
    name: `does the same as a model in random commits by two connections (seed ${seed})`,
    run: (device) => runRandomCommits(device, seed),
  })),
];
