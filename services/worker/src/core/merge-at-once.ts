import { sizeOf, spend } from "@syncline/shared/document";
import { policyOf } from "@syncline/shared/merge";
import {
  mergeRun,
  NO_HISTORY,
  versionsOf,
  type DeviceRun,
  type RunHistory,
} from "@syncline/shared/operations";
import type { MergeOutcome } from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import { unitOf, type Case } from "./case.ts";
import type { NewConflict } from "./new-conflict.ts";
import { fail, recordWritten } from "./record-answer.ts";
import { editsOf, remoteOf } from "./remote-of.ts";
import { reportConflict, type Mismatch } from "./report-conflict.ts";
import type { NewlyHeld } from "./window-state.ts";
import { parkUnstorable } from "./why-not-stored.ts";
import { writeMerge } from "./write-merge.ts";

/** A conflict within a group, with its run of one operation. */
interface Started {
  conflict: NewConflict;
  held: NewlyHeld;
}

type Merged = ReturnType<typeof mergeRun>;

const MERGES_TOO_COSTLY =
  "The documents that this batch would have to merge are too large together. Send fewer of them in one group";

/** Tells whether an operation failed because its batch would have to merge too much. */
export function isBeyondMerges(answer: Answer): boolean {
  return answer.kind === "ledger" && answer.draft.row.error === MERGES_TOO_COSTLY;
}

/** Merges an operation of a group immediately. A merge that needs a person fails the group. */
export function mergeAtOnce(on: Case, started: Started, mismatch: Mismatch): Answer {
  const { conflict } = started;
  const merged = mergeWithinBudget(on, started);
  switch (merged) {
    case "too costly":
      return fail(on, "operation_too_costly", MERGES_TOO_COSTLY);
    case "lacks history":
      // The plan will be made again with the history.
      return recordWritten(on, { status: "success", version: conflict.currentVersion }, null);
    default:
  }
  const { workspaceId, collection, documentId } = conflict;
  const current = on.draft.documents.find(workspaceId, collection, documentId);
  const policy = policyOf(on.deps.policies ?? {}, collection);
  const outcome = parkUnstorable(merged.outcome, policy, current?.data?.value ?? null);
  if (outcome.kind === "park") {
    const { proposed: result, overlaps: overlapList, reason } = outcome;
    return reportConflict(
      on,
      { ...started, conflict: { ...conflict, result, overlapList, reason } },
      mismatch,
    );
  }
  const [refused] = outcome.refused;
  if (refused !== undefined) return fail(on, refused.errorType, refused.message);
  return commitMerge(on, started, { ...merged, outcome });
}

/** Merges, unless that needs history that was not read, or the batch's budget for merges does not suffice. */
function mergeWithinBudget(on: Case, { conflict, held }: Started): Merged | "too costly" | "lacks history" {
  const { draft } = on;
  const { workspaceId, collection, documentId } = conflict;
  const current = draft.documents.find(workspaceId, collection, documentId);
  // All three sides have about as many values. No history is read for a merge beyond the budget.
  const likely = 3 * (current?.data?.size.values ?? 1);
  if (on.mergeBudget.left < likely) return "too costly";
  const run = { ...conflict, operations: [held.operation] };
  const edits = editsOf(draft, conflict, { since: conflict.baseVersion, seenUntil: null });
  const history = { ...historyOf(on, run), ...(edits && { edits }) };
  if (draft.past.missing.size > 0) {
    spend(on.mergeBudget, likely);
    return "lacks history";
  }
  const [from, ...onwards] = history.changes.map(({ data }) => data);
  const sides = [conflict.deviceView ?? from ?? conflict.ancestor, current?.data?.value, ...onwards];
  const looked = sides.reduce((sum, document) => sum + sizeOf(document ?? null).values, 0);
  // The local side has about as many values as the document it starts from.
  // Never less than was likely: what is too much before the history is read stays so.
  if (!spend(on.mergeBudget, Math.max(likely, looked + sizeOf(sides[0] ?? null).values))) return "too costly";
  const policy = policyOf(on.deps.policies ?? {}, collection);
  const remote = remoteOf(draft, conflict, { edits, seenVersion: conflict.seenVersion }, policy);
  return mergeRun(conflict.strategy, run, history, remote, policy);
}

/** Writes the merged document, and its conflict's record, which is already resolved. */
function commitMerge(
  on: Case,
  { conflict, held }: Started,
  { inputs, outcome }: Merged & { outcome: Extract<MergeOutcome, { kind: "commit" }> },
): Answer {
  const { draft, operation } = on;
  const { workspaceId, collection, documentId, conflictId, deviceId, deviceDeclared } = conflict;
  const current = draft.documents.find(workspaceId, collection, documentId);
  const { change, version } = writeMerge(draft, {
    workspaceId,
    collection,
    documentId,
    data: outcome.document,
    ended: outcome.ended ?? null,
    deviceId,
    deviceDeclared,
    clientTimestampMs: operation.timestampMs ?? null,
    times: inputs.localTimes,
    policy: policyOf(on.deps.policies ?? {}, collection),
    unit: unitOf(on),
    operations: 1,
  });
  draft.conflicts.open(
    "merged_at_once",
    {
      ...conflict,
      round: 0,
      ancestorView: inputs.ancestor,
      remoteView: current?.data?.value ?? null,
      localView: inputs.local,
      result: outcome.document,
      overlapList: outcome.overlaps,
      twoWay: outcome.twoWay,
      resolvedVersion: version,
    },
    [held],
  );
  const overlapCount = outcome.overlaps.length;
  const merged = { version, merged: true, overlapCount, rounds: 0, conflictId };
  return recordWritten(on, { status: "success", ...merged }, change);
}

/** The documents that a merge in the drain starts from. Documents that were not read yet are noted as missing. */
function historyOf({ batch, operation, draft }: Case, run: DeviceRun): RunHistory {
  const { workspaceId, deviceId, deviceDeclared } = batch;
  const { collection, documentId } = operation;
  const versions = versionsOf(run);
  if (run.deviceView !== null) {
    const from = run.baseVersion ?? 0;
    const to = versions.at(-1) ?? 0;
    return to > from
      ? draft.past.riseOf({ workspaceId, collection, documentId, deviceId, from, to })
      : NO_HISTORY;
  }
  const changes = versions.flatMap((version) => {
    const seenBy = deviceDeclared ? deviceId : null;
    const historic = draft.past.at({ workspaceId, collection, documentId, version, deviceId: seenBy });
    if (historic === null) return [];
    return [{ ...historic, firstVersion: version, version, timestampMs: null, own: false }];
  });
  return { changes, lastOwnVersion: 0 };
}
