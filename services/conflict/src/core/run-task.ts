import {
  ancestorOf,
  RUN_TOO_COSTLY,
  type CollectionPolicy,
  type DecisionChoice,
  type JsonObject,
  type MergeInputs,
  type ResolveCase,
  type Resolution,
  type Version,
} from "@syncline/shared";
import {
  mergeConflict,
  parkConflict,
  type ConflictCase,
  type HookReport,
  type MergeOptions,
} from "./merge-conflict.ts";
import { sidesOf, previewChoice, previewStrategies, type RecordedCase } from "./preview-conflict.ts";

/** A policy without its hook, which no other process can be sent. */
export type PlainPolicy = Omit<CollectionPolicy, "resolve">;

/** The policy without its hook. */
export function plainPolicy({ resolve: _, ...plain }: CollectionPolicy): PlainPolicy {
  return plain;
}

/** A round of a conflict. It starts from the beginning with each answer of the hook. */
export interface MergeRound extends MergeOptions {
  kind: "merge";
  on: ConflictCase;
  policy: PlainPolicy;
  /** The hook's answers so far. */
  reports: readonly HookReport[];
}

/** The merge, or what it has to ask the hook next. */
export type MergeStep =
  | { readonly kind: "merged"; readonly resolution: Resolution }
  | { readonly kind: "asks"; readonly asked: ResolveCase };

/** Work on a conflict whose time depends on what devices sent. */
export type MergeTask =
  | MergeRound
  | { kind: "show"; on: RecordedCase; policy: PlainPolicy }
  | { kind: "preview"; on: RecordedCase; policy: PlainPolicy }
  | { kind: "decide"; on: RecordedCase; choice: DecisionChoice; policy: PlainPolicy };

/** The documents of a conflict, as the wire shows them. */
export interface ConflictSides {
  /** The document's now: what a decision names as `expected_version`. */
  version: Version;
  ancestor: JsonObject | null;
  remote: JsonObject | null;
  local: JsonObject | null;
  /** Present if nobody can say what the device has: then `local` says nothing. */
  too_costly?: true;
}

/** The document that a choice would write now. */
export interface DecidedDocument {
  inputs: MergeInputs;
  /** `undefined` if nobody knows any more, or to find out costs too much. */
  document: JsonObject | null | undefined;
  costly: boolean;
}

/** The outcome of each task. Those that only go out are text already. */
export interface TaskOutcomes {
  merge: MergeStep;
  show: ConflictSides;
  preview: string;
  decide: DecidedDocument;
}

/** Does the work. Pure. */
export function runTask(task: MergeTask): TaskOutcomes[MergeTask["kind"]] {
  switch (task.kind) {
    case "merge":
      return mergeStep(task);
    case "show":
      return showSides(task.on, task.policy);
    case "preview":
      return JSON.stringify(preview(task.on, task.policy));
    case "decide":
      return decide(task.on, task.choice, task.policy);
    default:
      return task satisfies never;
  }
}

/** The outcome of a task that took more time or memory than it may, without the work. Pure. */
export function giveUp(task: MergeTask): TaskOutcomes[MergeTask["kind"]] {
  switch (task.kind) {
    case "merge":
      return { kind: "merged", resolution: parkConflict(task.on, task, RUN_TOO_COSTLY) };
    case "show":
      return withoutLocal(task.on);
    case "preview":
      return JSON.stringify(previewWithoutLocal(task.on));
    case "decide":
      return decideWithoutLocal(task.on, task.choice);
    default:
      return task satisfies never;
  }
}

function mergeStep(task: MergeRound): MergeStep {
  const merging = mergeConflict(task.on, task);
  let next = merging.next();
  for (const report of task.reports) if (!next.done) next = merging.next(report);
  return next.done ? { kind: "merged", resolution: next.value } : { kind: "asks", asked: next.value };
}

function showSides(on: RecordedCase, policy: PlainPolicy): ConflictSides {
  const { inputs, remote, costly } = sidesOf(on, policy);
  if (costly) return withoutLocal(on);
  const { ancestor, local } = inputs;
  return { version: on.remote.version, ancestor, remote, local };
}

function preview(on: RecordedCase, policy: PlainPolicy): object {
  const sides = showSides(on, policy);
  if (sides.too_costly) return previewWithoutLocal(on);
  const { conflictId, status } = on.conflict;
  return {
    conflict_id: conflictId,
    status,
    ...sides,
    choices: {
      server: previewChoice("server", on, policy) ?? null,
      local: previewChoice("local", on, policy),
      merged: previewChoice("merged", on, policy),
    },
    strategies: previewStrategies(on, policy),
  };
}

function decide(on: RecordedCase, choice: DecisionChoice, policy: PlainPolicy): DecidedDocument {
  const { inputs, costly } = sidesOf(on, policy);
  if (costly) return decideWithoutLocal(on, choice);
  const document = choice === "data" ? null : previewChoice(choice, on, policy)?.document;
  return { inputs, document, costly };
}

function withoutLocal({ conflict, remote, history }: RecordedCase): ConflictSides {
  const ancestor = ancestorOf(conflict, history);
  return { version: remote.version, ancestor, remote: remote.data, local: null, too_costly: true };
}

function previewWithoutLocal(on: RecordedCase): object {
  const { conflictId, status } = on.conflict;
  return {
    conflict_id: conflictId,
    status,
    ...withoutLocal(on),
    choices: { server: { document: on.remote.data, overlaps: [] }, local: null, merged: null },
    strategies: null,
  };
}

/** To decide for the server's document, or another one, takes no merge. */
function decideWithoutLocal(
  { conflict, remote, history }: RecordedCase,
  choice: DecisionChoice,
): DecidedDocument {
  const known = choice === "server" || choice === "data";
  return {
    // The record keeps what the device had. Nobody knows that here; with the server's document nobody loses by it.
    inputs: { ancestor: ancestorOf(conflict, history), local: remote.data, localTimestampMs: null },
    document: choice === "server" ? remote.data : choice === "data" ? null : undefined,
    costly: !known,
  };
}
