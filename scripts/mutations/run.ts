// `npm run test:mutations`: breaks one guarantee after the other in a copy of the working tree, and prints the test
// that detected each. Exits with 1 if a mutation was not detected, or if its code is no longer in the sources.
//
//   -- --list         lists the mutations
//   -- --only NAME    runs one; can be repeated
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { applyChange, findChange, type Occurrence } from "./find-change.ts";
import { findTest } from "./find-test.ts";
import { mutationsOf, type Mutation } from "./mutation.ts";
import { MUTATIONS } from "./mutations.ts";
import { needsStores, runTests, type Outcome } from "./run-tests.ts";
import { readSourceCode } from "./source-code.ts";
import { makeWorkingCopy, type WorkingCopy } from "./working-copy.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The time limit for one mutation's tests. */
const TIMEOUT_MS = 120_000;
/** The time limit for one run of all tests on the unbroken sources. */
const BASELINE_TIMEOUT_MS = 600_000;

const { values } = parseArgs({
  options: { list: { type: "boolean" }, only: { type: "string", multiple: true } },
});
const all = mutationsOf(MUTATIONS);
const unknown = values.only?.filter((only) => !all.some(({ name }) => name === only)) ?? [];
if (unknown.length > 0) fail(`Unknown mutation ${unknown.join(", ")}; list them with --list.`);
const chosen = all.filter(({ name }) => values.only?.includes(name) ?? true);
if (values.list) {
  for (const { name, breaks, change } of chosen) console.log(rowOf(name, breaks, "", change.in));
  process.exit(0);
}

const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort());

const copy = makeWorkingCopy(ROOT);
try {
  const code = readSourceCode(copy.path, new Set(chosen.map(({ change }) => change.in)));
  const occurrences = chosen.map(({ change }) => findChange(code, change));
  await expectHealth(copy);
  const survivors: string[] = [];
  console.log(rowOf("mutation", "breaks", "", ""));
  for (const [index, occurrence] of occurrences.entries()) {
    const mutation = chosen[index];
    if (mutation && !(await isCaught(copy, mutation, occurrence))) survivors.push(mutation.name);
  }
  const caught = chosen.length - survivors.length;
  console.log(`\n${caught} of ${chosen.length} mutations caught`);
  if (survivors.length > 0) {
    console.error(`Not caught: ${survivors.join(", ")}`);
    process.exitCode = 1;
  }
} catch (error) {
  if (!stopping.signal.aborted) throw error;
  process.exitCode = 130;
} finally {
  copy.remove();
}

/** Requires that all tests pass on the unbroken sources: otherwise a failure on broken ones proves nothing. */
async function expectHealth(copy: WorkingCopy): Promise<void> {
  for (const stores of [false, true]) {
    const wanted = chosen
      .map(({ caughtBy }) => caughtBy)
      .filter((test) => needsStores(findTest(ROOT, test)) === stores);
    if (wanted.length === 0) continue;
    const outcome = await runTests(copy.path, wanted, {
      timeoutMs: BASELINE_TIMEOUT_MS,
      signal: stopping.signal,
    });
    if (outcome.kind !== "passed")
      throw new Error(`The tests do not pass on the unbroken sources: ${described(outcome)}`);
    console.log(`unbroken: ${outcome.tests} tests pass`);
  }
}

async function isCaught(copy: WorkingCopy, mutation: Mutation, occurrence: Occurrence): Promise<boolean> {
  const startedAtMs = Date.now();
  const restore = copy.write(occurrence.part.file, applyChange(mutation.change, occurrence));
  try {
    const outcome = await runTests(copy.path, [mutation.caughtBy], {
      timeoutMs: TIMEOUT_MS,
      signal: stopping.signal,
    });
    const seconds = ((Date.now() - startedAtMs) / 1_000).toFixed(0);
    console.log(rowOf(mutation.name, mutation.breaks, `${seconds} s`, described(outcome)));
    return outcome.kind === "failed";
  } finally {
    restore();
  }
}

function rowOf(name: string, breaks: string, time: string, outcome: string): string {
  return [name.padEnd(38), breaks.padEnd(33), time.padStart(5), outcome].join(" ");
}

function described(outcome: Outcome): string {
  switch (outcome.kind) {
    case "failed":
      return `caught by: ${outcome.test}`;
    case "passed":
      return `SURVIVED ${outcome.tests} tests`;
    case "broken":
      return `NO VERDICT: ${outcome.reason}`;
    default:
      return outcome satisfies never;
  }
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
