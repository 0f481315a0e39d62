import { tokenEnv } from "@syncline/kit/http";
import { processEnv } from "@syncline/kit/process";
import { redisEnv } from "@syncline/lanes";
import { mergeBackoffEnv } from "@syncline/lanes/queues";
import { postgresEnv } from "@syncline/store";
import { policiesEnv } from "@syncline/shared/schemas";
import { envSchema as conflict } from "../../services/conflict/src/env.ts";
import { envSchema as ingest } from "../../services/ingest/src/env.ts";
import { envSchema as worker } from "../../services/worker/src/env.ts";
import { renderRow } from "./table.ts";

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

/** The limit in the JSON Schema of a whole number without a limit of its own. */
const BOUND_OF_DOUBLES = Number.MAX_SAFE_INTEGER;

/** Renders the tables of docs/config.md from the schemas of the services' environments. */
export function renderConfigTables(): string {
  const common = { ...postgresEnv, ...redisEnv, ...processEnv, ...policiesEnv, ...mergeBackoffEnv };
  const isCommon = (name: string) => Object.hasOwn(common, name);
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
