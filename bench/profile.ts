// npm run bench:profile -- [--operations N] [--connections N] [--seconds S] Puts load on Syncline, and shows the
// functions that use each service's time, as a table and as a flame graph, and the statements that use Postgres's time.
import { describeShape } from "./load/shape.ts";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildServices } from "./build-services.ts";
import { syncline } from "./contenders/syncline.ts";
import { startStores } from "./database/stores.ts";
import { installPackages } from "./install-packages.ts";
import { readProfile, type CpuProfile, type ReadProfile } from "./profile/cpu-profile.ts";
import { flameGraphPage } from "./profile/flame-graph.ts";
import { readStatements, resetStatements, type StatementTime } from "./profile/statements.ts";
import { round, toMarkdown } from "./report/tables.ts";

const FUNCTIONS_SHOWN = 20;
const STATEMENTS_SHOWN = 15;
const WARM_UP_MS = 4_000;
const RESULTS = fileURLToPath(new URL("results/profile/", import.meta.url));

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "100" },
    connections: { type: "string", default: "16" },
    seconds: { type: "string", default: "10" },
  },
});
const shape = { operations: Number(values.operations), connections: Number(values.connections) };
const durationMs = Number(values.seconds) * 1_000;
installPackages();
buildServices();
const stores = await startStores({ countStatements: true });
const folder = mkdtempSync(join(tmpdir(), "syncline-profile-"));
try {
  const env = { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder} --cpu-prof-interval=500` };
  const databaseUrl = await stores.createSeededDatabase();
  const contender = await syncline({ env, createDatabase: () => Promise.resolve(databaseUrl) }).start(
    stores,
    shape,
  );
  const services = ["ingest", "worker", "conflict"].map((name) => ({
    name,
    pid: contender.processes[name]?.[0] ?? 0,
  }));
  let fromUs: number;
  let statements: StatementTime[];
  try {
    await contender.load.runClosed(WARM_UP_MS);
    await resetStatements(databaseUrl);
    fromUs = nowUs();
    const { operations, elapsedMs } = await contender.load.runClosed(durationMs);
    console.log(
      `${describeShape(shape)}: ${round((operations / elapsedMs) * 1_000)} operations/s while profiled\n`,
    );
    statements = await readStatements(databaseUrl, STATEMENTS_SHOWN);
  } finally {
    await contender.stop();
  }
  mkdirSync(RESULTS, { recursive: true });
  for (const { name, pid } of services) {
    const profile = readProfile(findProfile(pid), fromUs, fromUs + durationMs * 1_000);
    const path = join(RESULTS, `${name}.html`);
    writeFileSync(path, flameGraphPage(`${name}, ${describeShape(shape)}`, profile.root));
    console.log(describe(name, profile));
    console.log(`Flame graph: ${path}\n`);
  }
  console.log(describeStatements(statements));
} finally {
  rmSync(folder, { recursive: true });
  await stores.stop();
}

/** Reads the clock of the profiles' timestamps. */
function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

/** Finds a process's profile; Node names it CPU.date.time.PID.thread.number.cpuprofile. */
function findProfile(pid: number): CpuProfile {
  const file = readdirSync(folder).find((name) => name.split(".")[3] === String(pid));
  if (file === undefined) throw new Error(`process ${pid} wrote no profile`);
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile;
}

function describe(name: string, { wallMs, idleMs, root, selfTimes }: ReadProfile): string {
  const share = (ms: number, ofMs: number) => `${((ms / ofMs) * 100).toFixed(1)} %`;
  return toMarkdown({
    title: `${name}: busy ${share(wallMs - idleMs, wallMs)} of the time`,
    columns: ["self", "function"],
    rows: selfTimes
      .slice(0, FUNCTIONS_SHOWN)
      .map(({ name: functionName, selfMs }) => [share(selfMs, root.value), functionName]),
  });
}

function describeStatements(statements: readonly StatementTime[]): string {
  return toMarkdown({
    title: "Postgres",
    columns: ["ms in all", "calls", "ms a call", "rows a call", "statement"],
    rows: statements.map(({ text, calls, rows, totalMs }) => [
      round(totalMs),
      calls,
      round(totalMs / calls),
      round(rows / calls),
      text,
    ]),
  });
}
