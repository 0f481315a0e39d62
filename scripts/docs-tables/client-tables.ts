import { ANSWER_TABLE, FORBIDDEN_TABLE } from "../../libs/client/src/core/answer-table.ts";
import { ENGINE_MACHINE } from "../../libs/client/src/core/engine-machine.ts";
import type { Machine } from "../../libs/client/src/core/machine.ts";
import { OPERATION_MACHINE } from "../../libs/client/src/core/operation-machine.ts";
import { PULL_MACHINE } from "../../libs/client/src/core/pull-machine.ts";

/** Renders the client's machines, and the table of answers. An event without a row is a bug in that state. */
export function renderClientTables(): string {
  const answers = [
    ...Object.entries(ANSWER_TABLE),
    ...Object.entries(FORBIDDEN_TABLE).map(([cause, reaction]) => [`forbidden: ${cause}`, reaction] as const),
  ];
  return [
    "### An operation",
    renderMachine(OPERATION_MACHINE),
    "### Pulling",
    renderMachine(PULL_MACHINE),
    "### The engine of a workspace",
    renderMachine(ENGINE_MACHINE),
    "### Answers to a request",
    [
      "| Failure | Reaction |",
      "| --- | --- |",
      ...answers.map(([kind, reaction]) => `| \`${kind}\` | \`${reaction}\` |`),
    ].join("\n"),
  ].join("\n\n");
}

function renderMachine(machine: Machine<string, string>): string {
  const rows = Object.entries(machine).flatMap(([state, events]) =>
    Object.entries(events).flatMap(([event, to]) =>
      to === null || to === state ? [] : [`| \`${state}\` | \`${event}\` | \`${to}\` |`],
    ),
  );
  return ["| State | Event | Next |", "| --- | --- | --- |", ...rows].join("\n");
}
