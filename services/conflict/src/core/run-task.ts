import type { JsonObject } from "@syncline/shared/document";
import type { CollectionPolicy, ResolveCase } from "@syncline/shared/merge";
import { ancestorOf, RUN_TOO_COSTLY } from "@syncline/shared/operations";
import type { DecisionChoice, MergeInputs, Resolution } from "@syncline/shared/protocol";
import type { ConflictSides, PreviewAnswer } from "@syncline/shared/schemas";
import {
  mergeConflict,
  parkConflict,
  type ConflictCase,
  type HookReport,
  type MergeOptions,
} from "./merge-conflict.ts";
import { sidesOf, previewChoice, previewStrategies, type RecordedCase } from "./preview-conflict.ts";

/** A policy without its hook and its schema, which cannot be sent to another process. The worker checks the schema. */
export type PlainPolicy = Omit<CollectionPolicy, "resolve" | "schema">;

/** Removes the hook and the schema from a policy. */
export function plainPolicy({ resolve: _, schema: __, ...plain }: CollectionPolicy): PlainPolicy {
  return plain;
}

/** A round of a conflict. It runs from the beginning again with each answer of the hook. */
export interface MergeRound extends MergeOptions {
  kind: "merge";
  on: ConflictCase;
  policy: PlainPolicy;
  /** The hook's answers so far. */
  reports: readonly HookReport[];
}

/** The merge, or the hook's next input. */
export type MergeStep =
  | { readonly kind: "merged"; readonly resolution: Resolution }
  | { readonly kind: "asks"; readonly asked: ResolveCase };

/** Work on a conflict whose duration depends on the devices' operations. */
export type MergeTask =
  | MergeRound
  | { kind: "show"; on: RecordedCase; policy: PlainPolicy }
  | { kind: "preview"; on: RecordedCase; policy: PlainPolicy }
  | { kind: "decide"; on: RecordedCase; choice: DecisionChoice; policy: PlainPolicy };

/** The document that a choice would write now. */
export interface DecidedDocument {
  inputs: MergeInputs;
  /** `undefined` if the side is no longer known, or computing it exceeds the cost limit. */
  document: JsonObject | null | undefined;
  costly: boolean;
}

/** The outcome of each task. A preview is serialized already, because it is only sent. */
export interface TaskOutcomes {
  merge: MergeStep;
  show: ConflictSides;
  preview: string;
  decide: DecidedDocument;
}

/** Runs a task. Pure. */
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

/** Returns the outcome of a task that exceeded its time or memory, without doing the work. Pure. */
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

function preview(on: RecordedCase, policy: PlainPolicy): PreviewAnswer {
  const sides = showSides(on, policy);
  if (sides.too_costly) return previewWithoutLocal(on);
  const { conflictId, status } = on.conflict;
  return {
    conflict_id: conflictId,
    status,
    ...sides,
    choices: {
      server: previewChoice("server", on, policy) ?? null,
      local: previewChoice("local", on, policy) ?? null,
      merged: previewChoice("merged", on, policy) ?? null,
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

function previewWithoutLocal(on: RecordedCase): PreviewAnswer {
  const { conflictId, status } = on.conflict;
  return {
    conflict_id: conflictId,
    status,
    ...withoutLocal(on),
    choices: { server: { document: on.remote.data, overlaps: [] }, local: null, merged: null },
    strategies: null,
  };
}

/** Decides without a merge, which the choices `server` and `data` do not need. */
function decideWithoutLocal(
  { conflict, remote, history }: RecordedCase,
  choice: DecisionChoice,
): DecidedDocument {
  const known = choice === "server" || choice === "data";
  return {
    // The record keeps the device's document, which is unknown here; the server's document in its place loses no
    // change.
    inputs: { ancestor: ancestorOf(conflict, history), local: remote.data, localTimestampMs: null },
    document: choice === "server" ? remote.data : choice === "data" ? null : undefined,
    costly: !known,
  };
}
