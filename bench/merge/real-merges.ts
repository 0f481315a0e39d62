/**
 * Replays real three-way merges and compares the merge engine, and `git merge-file` on the same documents as text, with
 * what people committed.
 *
 * node --conditions=@syncline/source bench/merge/real-merges.ts FILE
 *
 * FILE is gzipped NDJSON, a merge a line: `{ "id", "base", "remote", "local", "merged" }`, the last what was committed.
 * Figures are grouped by what follows the last slash or colon of the id, so `commit:path/name.json` by file name.
 */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import type { Json, JsonObject } from "../../libs/shared/src/json/json.ts";
import { jsonEqual } from "../../libs/shared/src/json/json-equal.ts";
import { mergeDocument, type Side } from "../../libs/shared/src/merge/merge-document.ts";

interface RealMerge {
  readonly id: string;
  readonly base: JsonObject;
  readonly remote: JsonObject;
  readonly local: JsonObject;
  readonly merged: JsonObject;
}

interface Outcome {
  readonly id: string;
  readonly clean: boolean;
  /** Equal to what people committed, by the side preferred where both sides changed one place. */
  readonly equal: Record<Side, boolean>;
  /** Places that one side alone changed, whose change is not in the result. */
  readonly editsLost: number;
  readonly timeUs: number;
  readonly git: { readonly clean: boolean; readonly equal: boolean };
}

const REPEATS = 5;
/** Smaller groups count only in the total. */
const GROUP_MIN = 5;
const runFile = promisify(execFile);

const [file] = process.argv.slice(2);
if (!file) {
  console.error(
    "Name the file of merges: node --conditions=@syncline/source bench/merge/real-merges.ts FILE",
  );
  process.exit(2);
}
const merges = readMerges(gunzipSync(await readFile(file)).toString("utf8"));
const directory = await mkdtemp(join(tmpdir(), "real-merges-"));
try {
  const outcomes: Outcome[] = [];
  for (const merge of merges) outcomes.push(await replay(merge, directory));
  report(outcomes);
} finally {
  await rm(directory, { recursive: true });
}

function readMerges(text: string): RealMerge[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as RealMerge);
}

async function replay(merge: RealMerge, directory: string): Promise<Outcome> {
  const sides = { ancestor: merge.base, remote: merge.remote, local: merge.local };
  const preferLocal = mergeDocument(sides, { prefer: "local" });
  const preferRemote = mergeDocument(sides, { prefer: "remote" });
  const startMs = performance.now();
  for (let repeat = 0; repeat < REPEATS; repeat++) mergeDocument(sides);
  const timeUs = ((performance.now() - startMs) * 1000) / REPEATS;
  return {
    id: merge.id,
    clean: preferLocal.overlaps.length === 0,
    equal: {
      local: jsonEqual(preferLocal.document, merge.merged),
      remote: jsonEqual(preferRemote.document, merge.merged),
    },
    editsLost: countEditsLost(merge.base, merge.remote, merge.local, preferLocal.document ?? {}),
    timeUs,
    git: await mergeAsText(merge, directory),
  };
}

async function mergeAsText(merge: RealMerge, directory: string): Promise<Outcome["git"]> {
  const paths = await Promise.all(
    (["local", "base", "remote"] as const).map(async (name) => {
      const path = join(directory, name);
      await writeFile(path, `${JSON.stringify(merge[name], null, 2)}\n`);
      return path;
    }),
  );
  // The exit status is the number of conflicts, so a failure to run shows as 128 and above.
  const result = await runFile("git", ["merge-file", "-p", "-q", ...paths], { maxBuffer: 1 << 27 }).then(
    ({ stdout }) => ({ status: 0, stdout }),
    (error: { code?: number; stdout?: string }) => ({ status: error.code, stdout: error.stdout ?? "" }),
  );
  if (typeof result.status !== "number" || result.status >= 128)
    throw new Error(`git merge-file failed on ${merge.id}`);
  if (result.status > 0) return { clean: false, equal: false };
  return { clean: true, equal: equalsText(result.stdout, merge.merged) };
}

/** Lines that merge without a conflict may still be no JSON: a comma too few, a key twice. */
function equalsText(text: string, expected: Json): boolean {
  try {
    return jsonEqual(JSON.parse(text) as Json, expected);
  } catch {
    return false;
  }
}

/** Judged without the engine, by object keys alone: a place that one side changed must hold that side's value. */
function countEditsLost(
  base: Json | undefined,
  remote: Json | undefined,
  local: Json | undefined,
  merged: Json | undefined,
): number {
  if (equalSlots(remote, local) || equalSlots(base, local)) return equalSlots(merged, remote) ? 0 : 1;
  if (equalSlots(base, remote)) return equalSlots(merged, local) ? 0 : 1;
  if (!isObject(remote) || !isObject(local) || !isObject(merged)) return 0;
  const before = isObject(base) ? base : {};
  const keys = new Set([...Object.keys(before), ...Object.keys(remote), ...Object.keys(local)]);
  let lost = 0;
  for (const key of keys) lost += countEditsLost(before[key], remote[key], local[key], merged[key]);
  return lost;
}

function equalSlots(a: Json | undefined, b: Json | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && jsonEqual(a, b));
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function report(outcomes: readonly Outcome[]): void {
  const groups = new Map<string, Outcome[]>([["all", [...outcomes]]]);
  for (const outcome of outcomes) {
    const name = outcome.id.slice(Math.max(outcome.id.lastIndexOf("/"), outcome.id.lastIndexOf(":")) + 1);
    groups.set(name, [...(groups.get(name) ?? []), outcome]);
  }
  const rows = [...groups].filter(([name, group]) => name === "all" || group.length >= GROUP_MIN);
  console.table(Object.fromEntries(rows.map(([name, group]) => [name, summarize(group)])));
  const differing = outcomes.filter(({ clean, equal }) => clean && !equal.local);
  console.log(
    "clean, but not what people committed:",
    differing.map(({ id }) => id),
  );
}

function summarize(outcomes: readonly Outcome[]) {
  const clean = outcomes.filter((outcome) => outcome.clean);
  const overlapping = outcomes.filter((outcome) => !outcome.clean);
  const gitClean = outcomes.filter(({ git }) => git.clean);
  const times = outcomes.map(({ timeUs }) => timeUs).sort((a, b) => a - b);
  return {
    merges: outcomes.length,
    clean: share(clean, outcomes),
    "clean, equal": share(
      clean.filter(({ equal }) => equal.local),
      clean,
    ),
    "overlap, local": share(
      overlapping.filter(({ equal }) => equal.local),
      overlapping,
    ),
    "overlap, remote": share(
      overlapping.filter(({ equal }) => equal.remote),
      overlapping,
    ),
    "edits lost": outcomes.reduce((sum, { editsLost }) => sum + editsLost, 0),
    "p50 µs": Math.round(times[Math.floor(times.length / 2)] ?? 0),
    "max µs": Math.round(times.at(-1) ?? 0),
    "git clean": share(gitClean, outcomes),
    "git clean, equal": share(
      gitClean.filter(({ git }) => git.equal),
      gitClean,
    ),
  };
}

function share(part: readonly unknown[], whole: readonly unknown[]): string {
  if (whole.length === 0) return "-";
  return `${part.length}/${whole.length} ${((100 * part.length) / whole.length).toFixed(1)}%`;
}
