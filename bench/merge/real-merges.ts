/**
 * Replays real three-way merges and compares the results of the merge engine, `git merge-file`, a merge made of
 * jsondiffpatch deltas, trimerge and node-diff3 with the results that people committed.
 *
 * npm run bench:merge -- FILE [--differing]
 *
 * FILE is gzipped NDJSON, one merge a line: `{ "id", "base", "remote", "local", "merged" }`, the last one committed by
 * people. A group is the part after the last slash or colon of the id, so `commit:path/name.json` groups by file name.
 * `--differing` names the merges that differ from people's.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { jsonEqual } from "../../libs/shared/src/document/json-equal.ts";
import {
  createGit,
  createSyncline,
  loadJsonDiffPatch,
  loadNodeDiff3,
  loadTrimerge,
  type Contender,
  type Merged,
} from "./contenders.ts";
import { installPackages } from "../install-packages.ts";
import { countEditsLost, judgeCloseness, type Closeness } from "./judge.ts";
import { readMerges, type RealMerge } from "./real-merge.ts";

interface Outcome {
  /** True if it returned a document, right or wrong. */
  readonly merges: boolean;
  readonly equal: boolean;
  readonly keyTwice: boolean;
  readonly editsLost: number;
}

interface Result {
  readonly merge: RealMerge;
  readonly group: string;
  readonly closeness: Closeness;
  /** By contender, then by strategy. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, Outcome>>;
  readonly timeUs: ReadonlyMap<string, number>;
}

const REPEATS = 5;
/** The minimum size of a group; smaller ones are combined. */
const GROUP_MIN = 5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { differing: { type: "boolean", default: false } },
});
const [file] = positionals;
if (file === undefined) {
  console.error("The file of merges is missing: npm run bench:merge -- FILE [--differing]");
  process.exit(2);
}
const merges = readMerges(await readFile(file));
installPackages();
const directory = await mkdtemp(join(tmpdir(), "real-merges-"));
try {
  const contenders = [
    createSyncline(),
    createGit(directory),
    await loadJsonDiffPatch(),
    await loadTrimerge(),
    await loadNodeDiff3(),
  ];
  const results: Result[] = [];
  for (const merge of merges) results.push(await replay(merge, contenders));
  report(results, contenders);
} finally {
  await rm(directory, { recursive: true });
}

async function replay(merge: RealMerge, contenders: readonly Contender[]): Promise<Result> {
  const outcomes = new Map<string, Map<string, Outcome>>();
  const timeUs = new Map<string, number>();
  for (const contender of contenders) {
    const byStrategy = new Map<string, Outcome>();
    for (const [strategy, run] of Object.entries(contender.strategies)) {
      byStrategy.set(strategy, await judge(merge, run));
    }
    outcomes.set(contender.name, byStrategy);
    timeUs.set(contender.name, await measure(merge, contender));
  }
  const group = merge.id.slice(Math.max(merge.id.lastIndexOf("/"), merge.id.lastIndexOf(":")) + 1);
  return { merge, group, closeness: judgeCloseness(merge), outcomes, timeUs };
}

async function judge(merge: RealMerge, run: Contender["strategies"][string]): Promise<Outcome> {
  const merged = await attempt(merge, run);
  if (merged === undefined) return { merges: false, equal: false, keyTwice: false, editsLost: 0 };
  return {
    merges: true,
    equal: jsonEqual(merged.document, merge.merged),
    keyTwice: merged.keyTwice,
    editsLost: countEditsLost(merge, merged.document),
  };
}

/** Runs a strategy; one that throws has no result. */
async function attempt(merge: RealMerge, run: Contender["strategies"][string]): Promise<Merged | undefined> {
  try {
    return await run(merge);
  } catch {
    return undefined;
  }
}

/** The median of a few runs after a first, uncounted one. */
async function measure(merge: RealMerge, { strategies, inProcess }: Contender): Promise<number> {
  const run = Object.values(strategies)[0];
  if (!run) return 0;
  const times: number[] = [];
  for (let repeat = 0; repeat < (inProcess ? REPEATS : 1); repeat++) {
    const startMs = performance.now();
    await attempt(merge, run);
    times.push((performance.now() - startMs) * 1000);
  }
  return median(times);
}

function report(results: readonly Result[], contenders: readonly Contender[]): void {
  const apart = results.filter(({ closeness }) => closeness !== "same value");
  const clashing = results.filter(({ closeness }) => closeness === "same value");
  console.log("\nMerged exactly as people did, no value changed on both sides");
  console.table(tabulate(contenders.map(({ name }) => [name, describeApart(apart, name)])));
  console.log("\nThe same by group");
  console.table(tabulate(groupsOf(results).map(([name, group]) => [name, describeGroup(group, contenders)])));
  console.log("\nMerged exactly as people did, one value changed by both sides, by the side that wins");
  console.table(
    tabulate(
      contenders.flatMap(({ name, strategies }) =>
        Object.keys(strategies).map((strategy): [string, Row] => [
          `${name}, ${strategy}`,
          {
            equal: share(clashing, (result) => outcomeOf(result, name, strategy)?.equal),
            // Text with a duplicate key holds both values, and may equal the expected document by the one that a reader
            // takes.
            "and no duplicate key": share(clashing, (result) => {
              const outcome = outcomeOf(result, name, strategy);
              return outcome?.equal && !outcome.keyTwice;
            }),
            "no result": clashing.filter((result) => !outcomeOf(result, name, strategy)?.merges).length,
            "key twice": clashing.filter((result) => outcomeOf(result, name, strategy)?.keyTwice).length,
            "edits lost": sum(clashing, (result) => outcomeOf(result, name, strategy)?.editsLost),
          },
        ]),
      ),
    ),
  );
  console.log("\nMicroseconds a merge (git: including the start of its process, and writing the files)");
  console.table(tabulate(contenders.map(({ name }) => [name, describeTimes(results, name)])));
  if (values.differing) nameDiffering(results, contenders);
}

type Row = Record<string, string | number>;

function tabulate(rows: readonly (readonly [string, Row])[]): Record<string, Row> {
  return Object.fromEntries(rows);
}

function describeApart(results: readonly Result[], name: string): Row {
  const isEqual = (result: Result) => outcomeOf(result, name)?.equal;
  const of = (closeness: Closeness) => results.filter((result) => result.closeness === closeness);
  return {
    all: share(results, isEqual),
    apart: share(of("apart"), isEqual),
    "same array": share(of("same array"), isEqual),
    "of those git merges": share(
      results.filter((result) => outcomeOf(result, "git merge-file")?.merges),
      isEqual,
    ),
    "no result": results.filter((result) => !outcomeOf(result, name)?.merges).length,
    "key twice": results.filter((result) => outcomeOf(result, name)?.keyTwice).length,
    "edits lost": sum(results, (result) => outcomeOf(result, name)?.editsLost),
  };
}

function describeGroup(results: readonly Result[], contenders: readonly Contender[]): Row {
  const apart = results.filter(({ closeness }) => closeness !== "same value");
  const row: Row = { merges: results.length };
  for (const { name } of contenders) {
    row[name] = share(apart, (result) => outcomeOf(result, name)?.equal);
    row[`${name} µs`] = Math.round(median(results.map(({ timeUs }) => timeUs.get(name) ?? 0)));
  }
  return row;
}

function describeTimes(results: readonly Result[], name: string): Row {
  const times = results.map(({ timeUs }) => timeUs.get(name) ?? 0);
  const mean = times.reduce((total, time) => total + time, 0) / Math.max(times.length, 1);
  return { median: Math.round(median(times)), mean: Math.round(mean), max: Math.round(Math.max(...times)) };
}

function groupsOf(results: readonly Result[]): [string, Result[]][] {
  const groups = Object.entries(Object.groupBy(results, ({ group }) => group)).map(
    ([name, group = []]): [string, Result[]] => [name, group],
  );
  const rest = groups.filter(([, group]) => group.length < GROUP_MIN).flatMap(([, group]) => group);
  return [
    ...groups.filter(([, group]) => group.length >= GROUP_MIN),
    ...(rest.length > 0 ? [["(others)", rest] satisfies [string, Result[]]] : []),
  ];
}

function nameDiffering(results: readonly Result[], contenders: readonly Contender[]): void {
  for (const { name } of contenders) {
    console.log(`\n${name}: differs from people's result, no value changed on both sides`);
    for (const result of results) {
      const outcome = outcomeOf(result, name);
      if (result.closeness === "same value" || outcome?.equal) continue;
      console.log(
        `${result.merge.id} (${result.closeness}${outcome?.merges ? "" : ", conflict or invalid JSON"})`,
      );
    }
  }
}

/** Defaults to the first strategy. */
function outcomeOf(result: Result, name: string, strategy?: string): Outcome | undefined {
  const outcomes = result.outcomes.get(name);
  return strategy === undefined ? outcomes?.values().next().value : outcomes?.get(strategy);
}

function share<T>(all: readonly T[], fits: (one: T) => boolean | undefined): string {
  if (all.length === 0) return "-";
  const count = all.filter(fits).length;
  return `${count}/${all.length} ${((100 * count) / all.length).toFixed(1)}%`;
}

function sum<T>(all: readonly T[], valueOf: (one: T) => number | undefined): number {
  return all.reduce((total, one) => total + (valueOf(one) ?? 0), 0);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}
