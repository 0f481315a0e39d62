/**
 * Times merges of large documents, with and without rules, and of adversarial inputs.
 *
 * npm run bench:merge:large
 */
import type { Json, JsonObject } from "../../libs/shared/src/document/json.ts";
import { mergeDocument, type FieldRule } from "../../libs/shared/src/operations/merge-document.ts";

interface Case {
  readonly name: string;
  readonly sides: readonly [ancestor: Json, remote: Json, local: Json];
  readonly rules?: readonly FieldRule[];
}

const COUNT = 10_000;
const REPEATS = 7;
const random = createRandom(1);

const fields = Object.fromEntries(numbers(COUNT).map((n) => [`key${n}`, n]));
const editFields = (every: number, rest: number) =>
  Object.fromEntries(Object.entries(fields).map(([key, n]) => [key, n % every === rest ? n + 1 : n]));
const fieldSides = [fields, editFields(10, 3), editFields(10, 7)] as const;
const manyRules: FieldRule[] = [
  ...numbers(50).map((n) => ({ path: `/other${n}/*/note`, is: "text" }) as const),
  { path: "/*", is: "counter" },
];

const rows = numbers(COUNT).map((n) => ({ id: n, name: `row ${n}`, done: false }));
const unnamed = numbers(COUNT).map((n) => ({ name: `row ${n}`, done: n % 2 === 0, at: [n, n + 1] }));
const words = numbers(COUNT).map((n) => `word${n}`);
const letters = numbers(COUNT).map(() => "abc"[random(3)] ?? "");

const lines = numbers(20_000).map((n) => `Line ${n}: the quick brown fox jumps over the lazy dog\n`);
const text = lines.join("");
const editLines = (start: number) =>
  lines.map((line, n) => (n % 200 === start ? line.replace("quick", `quick${start}`) : line)).join("");
const oneLine = text.replaceAll("\n", " ");
const editOneLine = (start: number) => editLines(start).replaceAll("\n", " ");
const noise = (count: number) =>
  numbers(count)
    .map(() => "ab"[random(2)])
    .join(" ");

const cases: readonly Case[] = [
  { name: "10,000 keys, 1,000 edits a side", sides: wrap(fieldSides) },
  {
    name: "the same, 51 rules that match no path",
    sides: wrap(fieldSides),
    rules: manyRules.slice(0, -1).concat({ path: "/no", is: "counter" }),
  },
  { name: "the same, each a counter", sides: fieldSides, rules: manyRules },
  {
    name: "10,000 items with an id, edited, removed, inserted",
    sides: wrap([rows, editItems(rows, 3), editItems(rows, 7)]),
  },
  { name: "the same, all moved by one side", sides: wrap([rows, shuffle(rows), editItems(rows, 7)]) },
  {
    name: "10,000 objects without one, edited, removed, inserted",
    sides: wrap([unnamed, editItems(unnamed, 3), editItems(unnamed, 7)]),
  },
  {
    name: "10,000 strings, removed and inserted",
    sides: wrap([words, editItems(words, 3), editItems(words, 7)]),
  },
  { name: "the same, shuffled on both sides", sides: wrap([words, shuffle(words), shuffle(words)]) },
  { name: "10,000 of three letters, shuffled", sides: wrap([letters, shuffle(letters), shuffle(letters)]) },
  {
    name: "10,000 strings as a set, shuffled",
    sides: wrap([words, shuffle(editItems(words, 3)), shuffle(editItems(words, 7))]),
    rules: [{ path: "/at", is: "set" }],
  },
  ...[
    { name: "1 MB of text, 100 lines edited a side", sides: [text, editLines(3), editLines(7)] },
    { name: "the same in one line", sides: [oneLine, editOneLine(3), editOneLine(7)] },
    {
      name: "1 MB of text, its lines shuffled",
      sides: [text, shuffle(lines).join(""), shuffle(lines).join("")],
    },
    { name: "1 MB of text, rewritten", sides: [text, text.toUpperCase(), text.replaceAll("e", "3")] },
    { name: "1 MB of two words at random", sides: [noise(500_000), noise(500_000), noise(500_000)] },
  ].map(({ name, sides: [ancestor = "", remote = "", local = ""] }): Case => {
    return { name, sides: wrap([ancestor, remote, local]), rules: [{ path: "/at", is: "text" }] };
  }),
];

console.table(
  Object.fromEntries(
    cases.map((one) => {
      const times = measure(one);
      return [one.name, { "ms, median": round(times[times.length >> 1]), "ms, first": round(times.first) }];
    }),
  ),
);

function measure({ sides: [ancestor, remote, local], rules }: Case): number[] & { first: number } {
  const documents = {
    ancestor: ancestor as JsonObject,
    remote: remote as JsonObject,
    local: local as JsonObject,
  };
  const times = numbers(REPEATS).map(() => {
    const startMs = readCpuMs();
    mergeDocument(documents, rules && { rules });
    return readCpuMs() - startMs;
  });
  const first = times[0] ?? 0;
  return Object.assign(
    times.toSorted((a, b) => a - b),
    { first },
  );
}

/** Processor time, including the garbage collector's: other programs on the machine do not count. */
function readCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function round(ms: number | undefined): number {
  return Math.round((ms ?? 0) * 10) / 10;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

function wrap(sides: readonly [Json, Json, Json]): readonly [Json, Json, Json] {
  const [ancestor, remote, local] = sides;
  return [{ at: ancestor }, { at: remote }, { at: local }];
}

/** Removes one item in a hundred, inserts one in a hundred, and edits one in fifty of the editable ones. */
function editItems<Item extends Json>(items: readonly Item[], offset: number): Json[] {
  return items.flatMap((item, n): Json[] => {
    if (n % 100 === offset) return [];
    const isObject = typeof item === "object" && item !== null && !Array.isArray(item);
    if (n % 100 === offset + 10)
      return [isObject ? { ...item, id: `new ${offset} ${n}` } : `new ${offset} ${n}`, item];
    return [isObject && n % 50 === offset + 20 ? { ...item, done: true, [`by${offset}`]: n } : item];
  });
}

function shuffle<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, at: random(2 ** 30) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** A linear congruential generator, so that all runs are equal. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
