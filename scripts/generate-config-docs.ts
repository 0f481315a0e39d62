// Writes the tables of docs/config.md from the schemas of the services' environments.
//
//   npm run docs:config              writes them
//   npm run docs:config -- --check   writes no file, and fails if the tables are stale
import { readFileSync, writeFileSync } from "node:fs";
import { commonEnv, tokenEnv } from "@syncline/runtime";
import { format, resolveConfig } from "prettier";
import { envSchema as conflict } from "../services/conflict/src/env.ts";
import { envSchema as ingest } from "../services/ingest/src/env.ts";
import { envSchema as worker } from "../services/worker/src/env.ts";

/** The part of a schema that the tables need. */
interface EnvSchema {
  toJSONSchema(options: { io: "output" }): unknown;
}

/** The properties of a variable in its JSON Schema. */
interface Variable {
  readonly type?: string;
  readonly description?: string;
  readonly default?: string | number;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly items?: Variable;
}

const PAGE = new URL("../docs/config.md", import.meta.url);
/** The tables between these two lines are generated; the rest of the page is written by hand. */
const BEGIN = "<!-- Tables: npm run docs:config. Do not edit by hand. -->";
const END = "<!-- End of tables -->";
/** The limit in the JSON Schema of a whole number without a limit of its own. */
const BOUND_OF_DOUBLES = Number.MAX_SAFE_INTEGER;

const page = readFileSync(PAGE, "utf8");
const fresh = await formatLikeTheRest(replaceTables(page, renderTables()));
if (fresh === page) {
  console.log("docs/config.md is up to date.");
} else if (process.argv.includes("--check")) {
  console.error("docs/config.md is stale. Run npm run docs:config, and commit the result.");
  process.exitCode = 1;
} else {
  writeFileSync(PAGE, fresh);
  console.log("docs/config.md was written.");
}

function renderTables(): string {
  const isCommon = (name: string) => Object.hasOwn(commonEnv, name);
  const isToken = (name: string) => Object.hasOwn(tokenEnv, name);
  const isOwn = (name: string) => !isCommon(name) && !isToken(name);
  const sections = [
    ["All three services", renderTable(worker, isCommon)],
    ["ingest and conflict: tokens", renderTable(ingest, isToken)],
    ["ingest", renderTable(ingest, isOwn)],
    ["worker", renderTable(worker, isOwn)],
    ["conflict", renderTable(conflict, isOwn)],
  ];
  return sections.map(([title, table]) => `## ${title}\n\n${table}`).join("\n\n");
}

function renderTable(schema: EnvSchema, isWanted: (name: string) => boolean): string {
  const { properties, required } = schema.toJSONSchema({ io: "output" }) as {
    properties: Record<string, Variable>;
    required: string[];
  };
  const rows = Object.entries(properties)
    .filter(([name]) => isWanted(name))
    .map(([name, variable]) => {
      if (variable.description === undefined) throw new Error(`${name} has no description in its env.ts.`);
      return renderRow(
        `\`${name}\``,
        variable.description,
        defaultOf(variable, required.includes(name)),
        valuesOf(variable),
      );
    });
  const head = [renderRow("Variable", "Meaning", "Default", "Values"), renderRow("---", "---", "---", "---")];
  return [...head, ...rows].join("\n");
}

function defaultOf(variable: Variable, isRequired: boolean): string {
  if (variable.default !== undefined) return `\`${variable.default}\``;
  return isRequired ? "**required**" : "none";
}

function valuesOf({ type, enum: choices, minimum, maximum, minLength, items }: Variable): string {
  if (items !== undefined) return `a list of ${valuesOf(items)}`;
  if (choices !== undefined) return choices.map((choice) => `\`${choice}\``).join(", ");
  if (type !== "integer")
    return minLength === undefined || minLength < 2 ? "text" : `${minLength} characters or more`;
  const [min, max] = [minimum, maximum].map((bound) =>
    bound !== undefined && Math.abs(bound) < BOUND_OF_DOUBLES ? bound : undefined,
  );
  if (min !== undefined) return max === undefined ? `${min} or more` : `${min} to ${max}`;
  return max === undefined ? "whole number" : `${max} or less`;
}

function renderRow(...cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function replaceTables(text: string, tables: string): string {
  const [before, rest] = text.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) {
    throw new Error(`docs/config.md lacks the line "${BEGIN}" or "${END}", between which the tables belong.`);
  }
  return `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`;
}

/** Formats the page as the formatting check does. */
async function formatLikeTheRest(text: string): Promise<string> {
  return format(text, { ...(await resolveConfig(PAGE)), parser: "markdown" });
}
