import { isNewlyTooLarge, type JsonObject } from "@syncline/shared/document";
import { type MergePolicy, type ResolveAnswer, type ResolveCase } from "@syncline/shared/merge";
import {
  ancestorOf,
  type MergedRun,
  mergeRaised,
  proposedBy,
  type RaisedRun,
  type RemoteDocument,
  resolveRise,
  type Rise,
  risenTo,
  type RiseOutcome,
  risesOf,
  type RunHistory,
  takenRises,
  timesBetween,
  versionsOf,
} from "@syncline/shared/operations";
import type { HookOutcome, MergeInputs, MergeOutcome, Resolution, Version } from "@syncline/shared/protocol";
import { keepYjsStates } from "@syncline/shared/yjs";
import type { OpenConflict } from "./open-conflict.ts";

/** A conflict with its documents. */
export interface ConflictCase {
  conflict: OpenConflict;
  /** `version` is 0 if there is no document. */
  remote: RemoteDocument & { version: Version };
  /** The documents at the versions that the run names, if history still has them. */
  history: RunHistory;
}

/** Returns the document that the device's run is merged with, with the times of its edits. */
export function remoteOf({ conflict, remote, history }: ConflictCase, policy: MergePolicy): RemoteDocument {
  const seenVersion = versionsOf(conflict).at(-1) ?? conflict.baseVersion;
  return { ...remote, ...timesBetween(history, seenVersion, policy) };
}

/** The hook's answer, or its failure. */
export type HookReport =
  { readonly kind: "answered"; readonly answer: ResolveAnswer } | { readonly kind: "failed" };

/** The limits and rules of a merge. */
export interface MergeOptions {
  roundsMax: number;
  policy: MergePolicy;
  /** True if the collection has a hook. */
  hasHook: boolean;
}

/** A merge that consults the collection's hook: it yields the hook's input and receives the hook's report. */
export type Asking<T> = Generator<ResolveCase, T, HookReport>;

/**
 * Merges a conflict by its strategy. The resolution holds everything that the drain needs to commit it, or to merge
 * again in the last round. The hook is consulted on each rise at which both sides changed the same place, and on the
 * last merge; after a failure, or a question for a person, it is not consulted again. Pure.
 */
export function* mergeConflict(
  on: ConflictCase,
  { roundsMax, policy, hasHook }: MergeOptions,
): Asking<Resolution> {
  const { conflict, remote, history } = on;
  const isLastRound = conflict.round >= roundsMax;
  // The drain may have to repeat the last round by itself, and calls no hook.
  const asksHook = conflict.hook === "due" && hasHook && !isLastRound;
  const rises = risesOf(conflict, history, policy);
  let ended: HookOutcome | undefined;
  let next = rises.next();
  while (!next.done) {
    const settled = resolveRise(conflict.strategy, next.value, policy);
    const asks = asksHook && ended === undefined && settled.overlaps.length > 0;
    const { outcome, hook } = asks ? yield* askOfRise(on, next.value, settled, policy) : { outcome: settled };
    if (hook === "failed" || hook === "asked") ended = hook;
    next = rises.next(outcome);
  }
  const raised = next.value;
  const merged = mergeRaised(conflict.strategy, raised, remoteOf(on, policy), policy);
  const resolution = resolutionOf(on, takenRises(raised), merged, isLastRound);
  if (ended !== undefined) return { ...resolution, hook: ended };
  if (!asksHook) return { ...resolution, ...(conflict.hook !== null && { hook: "skipped" }) };
  const { inputs, outcome } = merged;
  const report = yield caseOf(on, inputs, remote.data, proposedBy(outcome));
  return decideByHook(on, resolution, raised, report, policy);
}

/** Parks a conflict for a person without merging it. */
export function parkConflict(on: ConflictCase, { roundsMax }: MergeOptions, reason: string): Resolution {
  const { conflict, remote, history } = on;
  const seenVersion = conflict.operations.reduce(risenTo, conflict.baseVersion);
  const rises = { seenVersion, rose: null, refused: [], ended: null, overlaps: [], twoWay: false };
  const inputs = { ancestor: ancestorOf(conflict, history), local: null, localTimestampMs: null };
  const outcome: MergeOutcome = { kind: "park", reason, proposed: remote.data, overlaps: [] };
  const resolution = resolutionOf(on, rises, { inputs, outcome }, conflict.round >= roundsMax);
  return { ...resolution, ...(conflict.hook !== null && { hook: "skipped" }) };
}

function resolutionOf(
  { conflict, remote }: ConflictCase,
  rises: Resolution["rises"],
  { inputs, outcome }: Pick<MergedRun, "inputs" | "outcome">,
  isLastRound: boolean,
): Resolution {
  const { workspaceId, collection, documentId, conflictId, round } = conflict;
  return {
    workspaceId,
    collection,
    documentId,
    conflictId,
    round,
    expectedVersion: remote.version,
    operationsCovered: conflict.operations.length,
    inputs,
    outcome,
    rises,
    isLastRound,
  };
}

/** Builds the hook's input for one merge. */
function caseOf(
  { conflict }: ConflictCase,
  { ancestor, local }: MergeInputs,
  remote: JsonObject | null,
  merged: JsonObject | null,
): ResolveCase {
  const { workspaceId, collection, documentId, conflictId, deviceId, round, strategy } = conflict;
  const context = { workspaceId, collection, documentId, conflictId, deviceId, round, strategy };
  return { ancestor, remote, local, merged, context };
}

/** Consults the hook on a rise; its answer replaces the strategy's outcome. */
function* askOfRise(
  on: ConflictCase,
  rise: Rise,
  settled: RiseOutcome,
  policy: MergePolicy,
): Asking<{ outcome: RiseOutcome; hook?: HookOutcome }> {
  const report = yield caseOf(on, rise.inputs, rise.remote.data, settled.document);
  if (report.kind === "failed") return { outcome: settled, hook: "failed" };
  const { answer } = report;
  if (answer === undefined) return { outcome: settled };
  if ("use" in answer) return { outcome: resolveRise(answer.use, rise, policy) };
  if ("ask" in answer) return { outcome: { ...settled, asks: answer.ask }, hook: "asked" };
  const document = keepYjsStates(rise.remote.data, answer.document, policy);
  return { outcome: { document, overlaps: [], twoWay: settled.twoWay } };
}

/** Replaces the strategy's outcome of the last merge with the hook's answer. */
function decideByHook(
  on: ConflictCase,
  merged: Resolution,
  raised: RaisedRun,
  report: HookReport,
  policy: MergePolicy,
): Resolution {
  if (report.kind === "failed") return { ...merged, hook: "failed" };
  const { remote } = on;
  const { answer } = report;
  const { inputs, outcome } = merged;
  if (answer === undefined) return { ...merged, hook: "deferred" };
  if ("use" in answer) {
    const chosen = mergeRaised(answer.use, raised, remoteOf(on, policy), policy);
    return {
      ...merged,
      inputs: chosen.inputs,
      outcome: chosen.outcome,
      hook: "deferred",
      strategy: answer.use,
    };
  }
  if ("ask" in answer) {
    const { overlaps } = outcome;
    const proposed = proposedBy(outcome);
    return { ...merged, outcome: { kind: "park", reason: answer.ask, proposed, overlaps }, hook: "asked" };
  }
  // A rise that the strategy leaves to a person stays with that person, whatever the hook answers about later
  // operations.
  if (raised.asks !== undefined) return { ...merged, hook: "deferred" };
  // The failing operations of the run are the same whoever decides.
  const taken = mergeRaised("client-wins", raised, remote, policy).outcome;
  const refused = taken.kind === "commit" ? taken.refused : raised.refused;
  const document = keepYjsStates(remote.data, answer.document, policy);
  if (isNewlyTooLarge(document, remote.data)) return { ...merged, hook: "failed" };
  const twoWay = raised.twoWay || inputs.ancestor === null;
  return {
    ...merged,
    outcome: { kind: "commit", document, overlaps: raised.overlaps, twoWay, refused },
    hook: "resolved",
  };
}
