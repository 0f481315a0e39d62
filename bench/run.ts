// npm run bench -- [--quick] [--only NAME]... [--brief] [--list] [--rounds N] [--seconds S] [--soak MINUTES] [--reference]
import { parseArgs } from "node:util";
import { buildServices } from "./build-services.ts";
import { installPackages } from "./install-packages.ts";
import { describeEnvironment } from "./report/environment.ts";
import { goalsTable, toMarkdown } from "./report/tables.ts";
import { writeResults, type Results } from "./report/write-results.ts";
import { median } from "./measure/quantiles.ts";
import type { Bench, Findings, Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { startStores } from "./database/stores.ts";

const OTHERS_CPU_MAX = 0.1;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    brief: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    soak: { type: "string" },
    reference: { type: "boolean", default: false },
  },
});
if (values.list) {
  for (const { name, title } of SCENARIOS) console.log(`${name.padEnd(28)} ${title}`);
  process.exit();
}
const scenarios = pickScenarios();
installPackages();
buildServices();
const stores = await startStores();
const found: Results["scenarios"][number][] = [];
try {
  const bench: Bench = {
    stores,
    rounds: {
      rounds: Number(values.rounds ?? 5),
      roundMs: Number(values.seconds ?? (values.quick ? 0.3 : 3)) * 1_000,
      warmUpMs: values.quick ? 600 : 2_000,
    },
    isQuick: values.quick,
    isBrief: values.brief,
    soakMinutes: Number(values.soak ?? 5),
    say: (line) => console.error(line),
  };
  const startedAt = new Date().toISOString();
  const environment = await describeEnvironment(stores);
  for (const scenario of scenarios) {
    const { name, title } = scenario;
    bench.say(`${name}: ${title}`);
    const startMs = performance.now();
    const findings = await scenario.run(bench);
    bench.say(`  took ${Math.round((performance.now() - startMs) / 1_000)} s`);
    warnOfOthers(findings);
    for (const table of findings.tables ?? []) console.log(`\n${toMarkdown(table)}`);
    found.push({ name, title, ...findings });
  }
  const options = { quick: bench.isQuick, rounds: bench.rounds.rounds, "ms a round": bench.rounds.roundMs };
  const name = values.reference ? "reference" : startedAt.replaceAll(/[:.]/g, "-");
  const path = writeResults(name, { startedAt, options, environment, scenarios: found });
  const goals = found.flatMap(({ goals = [] }) => goals);
  if (goals.length > 0) console.log(`\n${toMarkdown(goalsTable(goals))}`);
  bench.say(`Full results, and the rounds as JSON: ${path}`);
} finally {
  await stores.stop();
}

/** Warns about other load on the machine, which distorts the figures, above all those of several processes. */
function warnOfOthers({ measured = [] }: Findings): void {
  const shares = measured.flatMap(({ rounds }) => rounds.map(({ othersCpu }) => othersCpu));
  const share = median(shares);
  if (shares.length === 0 || share < OTHERS_CPU_MAX) return;
  console.error(
    `${Math.round(share * 100)} % of this machine's CPU went to other programs: the figures are unreliable.`,
  );
}

function pickScenarios(): readonly Scenario[] {
  if (values.only.length === 0) return SCENARIOS.filter(({ quick }) => quick || !values.quick);
  return values.only.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found !== undefined) return found;
    console.error(`Unknown scenario ${name}: run --list to show all names.`);
    return process.exit(2);
  });
}
