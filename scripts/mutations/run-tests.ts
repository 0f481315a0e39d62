import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { findTest } from "./find-test.ts";
import type { TestName } from "./mutation.ts";

/** The outcome of a test run. `broken`: the tests could not run, so there is no verdict. */
export type Outcome =
  { kind: "passed"; tests: number } | { kind: "failed"; test: string } | { kind: "broken"; reason: string };

interface Report {
  numPassedTests: number;
  testResults: { message?: string; assertionResults: { status: string; fullName: string }[] }[];
}

const REPORT = "mutation-report.json";

/** Runs some tests in a folder, up to the first failure. All of them need stores, or none. */
export async function runTests(
  folder: string,
  wanted: readonly TestName[],
  options: { timeoutMs: number; signal: AbortSignal },
): Promise<Outcome> {
  rmSync(join(folder, REPORT), { force: true });
  const names = wanted.flatMap(({ title }) => (title === undefined ? [] : [escapeRegExp(title)]));
  const files = [...new Set(wanted.map((test) => findTest(folder, test)))];
  const args = [
    join("node_modules", "vitest", "vitest.mjs"),
    "run",
    `--project=${needsStores(files[0]) ? "stack" : "unit"}`,
    "--bail=1",
    "--reporter=json",
    `--outputFile=${REPORT}`,
    ...(names.length > 0 && names.length === wanted.length ? [`--testNamePattern=${names.join("|")}`] : []),
    ...files,
  ];
  const ended = await run(folder, args, options);
  if (ended.timedOut) return { kind: "broken", reason: `no end within ${options.timeoutMs / 1_000} s` };
  const report = readReport(folder);
  const results = report?.testResults.flatMap(({ assertionResults }) => assertionResults) ?? [];
  const failed = results.find(({ status }) => status === "failed");
  if (failed !== undefined) return { kind: "failed", test: failed.fullName };
  if (ended.code === 0 && report !== undefined && report.numPassedTests > 0) {
    return { kind: "passed", tests: report.numPassedTests };
  }
  const message = report?.testResults.find(({ message }) => message)?.message ?? ended.output;
  return { kind: "broken", reason: message.trim().split("\n").slice(0, 5).join("\n") || "no test ran" };
}

/** Returns whether a test file needs stores; such tests run in their own project. See vitest.config.ts. */
export function needsStores(file = ""): boolean {
  return /^tests\/|\.(pg|redis|stack)\.test\.ts$/.test(file);
}

interface Ended {
  code: number | null;
  output: string;
  timedOut: boolean;
}

/** Runs a command; on a timeout or abort, ends it with all its child processes. */
async function run(
  cwd: string,
  args: readonly string[],
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Ended> {
  // A broken guarantee may appear as a condition that never becomes true.
  const env = { ...process.env, TEST_PATIENCE_MS: "20000" };
  const child = spawn(process.execPath, args, {
    cwd,
    env,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const collect = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-10_000));
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  let timedOut = false;
  const end = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  signal.addEventListener("abort", end, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    signal.throwIfAborted();
    return { code, output, timedOut };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

function readReport(folder: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, REPORT), "utf8")) as Report;
  } catch {
    return undefined; // the run ended before it wrote a report
  }
}

function escapeRegExp(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
