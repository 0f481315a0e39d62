// npm run bench -- [--quick] [--only NAME]... [--brief] [--list] [--rounds N] [--seconds S] [--soak MINUTES]
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { installPackages } from "./install-packages.ts";
import { goalsTable, toMarkdown } from "./report/tables.ts";
import type { Bench, Goal, Scenario } from "./scenario.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { startStores } from "./stores.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    brief: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    soak: { type: "string" },
  },
});
if (values.list) {
  for (const { name, title } of SCENARIOS) console.log(`${name.padEnd(28)} ${title}`);
  process.exit();
}
const scenarios = pickScenarios();
installPackages();
build();
const stores = await startStores();
const goals: Goal[] = [];
try {
  const roundMs = Number(values.seconds ?? (values.quick ? 0.8 : 3)) * 1_000;
  const bench: Bench = {
    stores,
    rounds: { rounds: Number(values.rounds ?? 5), roundMs, warmUpMs: values.quick ? 1_000 : 2_000 },
    isQuick: values.quick,
    isBrief: values.brief,
    soakMinutes: Number(values.soak ?? 0),
    say: (line) => console.error(line),
  };
  for (const scenario of scenarios) {
    bench.say(`\n${scenario.name}: ${scenario.title}`);
    const findings = await scenario.run(bench);
    for (const table of findings.tables ?? []) console.log(`\n${toMarkdown(table)}`);
    goals.push(...(findings.goals ?? []));
  }
} finally {
  await stores.stop();
}
console.log(`\n${toMarkdown(goalsTable(goals))}`);

function pickScenarios(): readonly Scenario[] {
  if (values.only.length === 0) return SCENARIOS.filter(({ quick }) => quick || !values.quick);
  return values.only.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found !== undefined) return found;
    console.error(`There is no scenario ${name}: see --list.`);
    return process.exit(2);
  });
}

/** What is measured is what runs in production: what tsc made. */
function build(): void {
  const { status } = spawnSync("npm", ["run", "--silent", "build"], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm run build failed (see above).");
}
