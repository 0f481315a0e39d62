import {
  isNewlyTooLarge,
  keepYjsStates,
  mergeRun,
  type CollectionPolicy,
  type HistoricDocument,
  type JsonObject,
  type MergeOutcome,
  type RemoteDocument,
  type ResolveAnswer,
  type ResolveCase,
  type Resolution,
} from "@syncline/shared";
import type { OpenConflict } from "./open-conflict.ts";

/** A conflict with the documents that it is about. */
export interface ConflictCase {
  conflict: OpenConflict;
  /** `version` is 0 where there is no document. */
  remote: RemoteDocument & { version: number };
  /** The document at the conflict's base version, `null` where history does not have it. */
  historic: HistoricDocument | null;
}

/** What the collection's hook answered, unless it failed. */
export type HookReport =
  { readonly kind: "answered"; readonly answer: ResolveAnswer } | { readonly kind: "failed" };

/**
 * Merges a conflict as its strategy says, with all that the drain needs to commit it, or to merge it once more in the
 * last round. Pure.
 */
export function mergeConflict(
  { conflict, remote, historic }: ConflictCase,
  { roundsMax, policy }: { roundsMax: number; policy: CollectionPolicy },
): Resolution {
  const { inputs, outcome } = mergeRun(conflict.strategy, conflict, historic, remote, policy);
  return {
    workspaceId: conflict.workspaceId,
    collection: conflict.collection,
    documentId: conflict.documentId,
    conflictId: conflict.conflictId,
    round: conflict.round,
    expectedVersion: remote.version,
    operationsCovered: conflict.operations.length,
    inputs,
    outcome,
    isLastRound: conflict.round >= roundsMax,
    ...(conflict.hook === null ? {} : { hook: "skipped" }),
  };
}

/** What the collection's hook is to be asked, or `null`: of a last round the drain may have to merge by itself. */
export function caseForHook(
  { conflict, remote }: ConflictCase,
  { inputs: { ancestor, local }, outcome, isLastRound }: Resolution,
  policy: CollectionPolicy,
): ResolveCase | null {
  if (conflict.hook !== "due" || policy.resolve === undefined || isLastRound) return null;
  const { workspaceId, collection, documentId, conflictId, deviceId, round, strategy } = conflict;
  const context = { workspaceId, collection, documentId, conflictId, deviceId, round, strategy };
  return { ancestor, remote: remote.data, local, merged: documentOf(outcome), context };
}

/** Puts what the hook answered in the place of what the strategy came to. Pure. */
export function decideByHook(
  on: ConflictCase,
  merged: Resolution,
  report: HookReport,
  policy: CollectionPolicy,
): Resolution {
  if (report.kind === "failed") return { ...merged, hook: "failed" };
  const { answer } = report;
  const { conflict, remote, historic } = on;
  const { inputs, outcome } = merged;
  if (answer === undefined) return { ...merged, hook: "deferred" };
  if ("use" in answer) {
    const chosen = mergeRun(answer.use, conflict, historic, remote, policy);
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
    const proposed = documentOf(outcome);
    return { ...merged, outcome: { kind: "park", reason: answer.ask, proposed, overlaps }, hook: "asked" };
  }
  // Which of the run's operations are at fault does not depend on who decides.
  const taken = mergeRun("client-wins", conflict, historic, remote, policy).outcome;
  const refused = taken.kind === "commit" ? taken.refused : [];
  const document = keepYjsStates(remote.data, answer.document, policy);
  if (isNewlyTooLarge(document, remote.data)) return { ...merged, hook: "failed" };
  const twoWay = inputs.ancestor === null;
  return {
    ...merged,
    outcome: { kind: "commit", document, overlaps: [], twoWay, refused },
    hook: "resolved",
  };
}

/** What a merge comes to, or proposes. */
function documentOf(outcome: MergeOutcome): JsonObject | null {
  return outcome.kind === "park" ? outcome.proposed : outcome.document;
}
