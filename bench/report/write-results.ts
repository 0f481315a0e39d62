import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Findings, Goal } from "../scenario.ts";
import { goalsTable, toMarkdown, verdict } from "./tables.ts";

export interface Results {
  readonly startedAt: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | number>>;
  readonly scenarios: readonly ({ readonly name: string; readonly title: string } & Findings)[];
}

const LIMIT = new URL("../limit/write.sql", import.meta.url);
const FOLDER = fileURLToPath(new URL("../results/", import.meta.url));

/** Writes a run's results as JSON and as tables. Returns the path of the tables. */
export function writeResults(name: string, results: Results): string {
  mkdirSync(FOLDER, { recursive: true });
  const json = JSON.stringify(withVerdicts(results), roundNumbers, 2);
  writeFileSync(join(FOLDER, `${name}.json`), `${json}\n`);
  const path = join(FOLDER, `${name}.md`);
  writeFileSync(path, describe(results));
  return path;
}

function describe({ startedAt, options, environment, scenarios }: Results): string {
  const pairs = [...Object.entries(environment), ...Object.entries(options)];
  return [
    `# Benchmark of ${startedAt}\n`,
    `${pairs.map(([name, value]) => `${name}: ${String(value)}`).join(" · ")}\n`,
    "The figures and their measurement are explained in [docs/performance.md](../../docs/performance.md).\n",
    toMarkdown(goalsTable(scenarios.flatMap(({ goals = [] }) => goals))),
    ...scenarios.flatMap(({ tables = [] }) => tables.map(toMarkdown)),
    `### The limit's statement\n\n\`\`\`sql\n${readFileSync(LIMIT, "utf8")}\`\`\`\n`,
  ].join("\n");
}

function withVerdicts(results: Results): object {
  const judge = (goal: Goal) => ({ ...goal, met: verdict(goal) });
  const scenarios = results.scenarios.map(({ goals = [], ...rest }) => ({
    ...rest,
    goals: goals.map(judge),
  }));
  return { ...results, scenarios };
}

/** Cuts numbers to six digits; more are noise. */
function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(6)) : value;
}
