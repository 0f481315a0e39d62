import { parseArgs } from "node:util";
import { pullBeforePush } from "./pull-before-push.ts";
import { runHistory } from "./run-history.ts";

/** Runs random histories, and prints those that violate a rule. */
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "100" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    steps: { type: "string", default: "60" },
    restores: { type: "boolean", default: false },
    "pull-before-push": { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const first = Number(values.seed);
const steps = Number(values.steps);
const startMs = performance.now();
const took = () => `${Math.round((performance.now() - startMs) / 1_000)} s`;

if (values["pull-before-push"]) await tryPullsBeforePush();
else await playHistories();

async function playHistories(): Promise<void> {
  const totals = { emissions: 0, messages: 0, changes: 0, conflicts: 0 };
  let failed = 0;
  for (let seed = first; seed < first + runs; seed++) {
    // Each tenth history restores the server's database.
    const report = await runHistory(seed, { steps, restores: values.restores || seed % 10 === 0 });
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += report[name];
    if (report.violations.length === 0) continue;
    failed += 1;
    console.error(`seed ${seed}:`);
    for (const violation of report.violations.slice(0, 10)) console.error(`  ${violation.slice(0, 2_000)}`);
  }
  const sums = JSON.stringify(totals);
  console.log(`${runs} histories from seed ${first} in ${took()}, ${failed} with violations: ${sums}`);
  process.exitCode = failed === 0 ? 0 : 1;
}

async function tryPullsBeforePush(): Promise<void> {
  let overwrites = 0;
  let parked = 0;
  for (let seed = first; seed < first + runs; seed++) {
    const report = await pullBeforePush(seed);
    overwrites += report.overwrites.length;
    parked += report.parked;
    if (report.overwrites.length > 0)
      console.error(`seed ${seed}: ${report.overwrites.join(", ")} was overwritten`);
  }
  console.log(
    `${runs} tries from seed ${first} in ${took()}: ${parked} conflicts, ${overwrites} overwrites unseen`,
  );
  process.exitCode = overwrites === 0 && parked === runs ? 0 : 1;
}
