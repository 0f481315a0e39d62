import { RUN_VALUES_MAX, type JsonObject } from "@syncline/shared/document";
import { policyOf, type Policies } from "@syncline/shared/merge";
import { mergeLast, mergeRaised, risenTo } from "@syncline/shared/operations";
import {
  assertInvariant,
  type AcceptedOperation,
  type MergeInputs,
  type MergeOutcome,
  type Resolution,
  type OperationContent,
} from "@syncline/shared/protocol";
import {
  clientIdOf,
  type ChangeDraft,
  type Held,
  type LedgerDraft,
  type WindowDraft,
} from "./window-draft.ts";
import type { ConflictRound, ConflictWrite, LedgerWrite } from "./window-plan.ts";
import { editsOf, remoteOf } from "./remote-of.ts";
import { writeMerge } from "./write-merge.ts";

/** The outcome of a resolution: the operations that now have their final answer, and the next round, if any. */
export interface Settled {
  settled: LedgerDraft[];
  round?: ConflictRound;
}

type Commit = Extract<MergeOutcome, { kind: "commit" }>;
type Park = Extract<MergeOutcome, { kind: "park" }>;

/**
 * Completes a conflict's resolution, or starts the next round if the document has moved since the merge saw it. The
 * last round carries the inputs of the merge, and is merged here, so contention alone never parks a conflict.
 */
export function applyResolution(
  resolution: Resolution,
  draft: WindowDraft,
  { newId, policies = {} }: { newId: () => string; policies?: Policies | undefined },
): Settled {
  const conflict = draft.conflict(resolution.conflictId);
  if (conflict === undefined || conflict.status !== "open" || conflict.round !== resolution.round) {
    return { settled: [] };
  }
  if (resolution.outcome.kind === "park") return park(conflict, resolution.outcome, resolution, draft);

  const current = draft.document(conflict.workspaceId, conflict.collection, conflict.documentId);
  if ((current?.version ?? 0) === resolution.expectedVersion) {
    return commit(conflict, resolution.outcome, resolution, draft, { newId, policies });
  }
  if (resolution.isLastRound) {
    const { inputs, outcome } = mergeNow(conflict, resolution, draft, policies);
    if (outcome.kind === "park") return park(conflict, outcome, resolution, draft);
    return commit(conflict, outcome, { ...resolution, inputs }, draft, { newId, policies });
  }
  const round = conflict.round + 1;
  draft.updateConflict({ ...conflict, round });
  const { workspaceId, conflictId, trace } = conflict;
  return { settled: [], round: { workspaceId, conflictId, round, trace } };
}

/** Merges once more, with the current document. */
function mergeNow(
  conflict: ConflictWrite,
  { inputs, rises, operationsCovered }: Resolution,
  draft: WindowDraft,
  policies: Policies,
): { inputs: MergeInputs; outcome: MergeOutcome } {
  const policy = policyOf(policies, conflict.collection);
  const { seenVersion } = rises;
  const edits = editsOf(draft, conflict, { since: seenVersion, seenUntil: conflict.currentVersion });
  const remote = remoteOf(draft, conflict, { edits, seenVersion }, policy);
  if (inputs.ancestor !== null) {
    return { inputs, outcome: mergeLast(conflict.strategy, rises, inputs, remote, policy) };
  }
  // Without an ancestor the run was replayed on the document that the merge saw, which is no longer current. The
  // operations on an unknown version are replayed again, from the state and the times before them.
  const { ancestor = null, local = null, unseen: count = operationsCovered } = rises.resumes ?? {};
  const { localTimestampMs = null, localTimes = {} } = rises.resumes ?? {};
  const covered = draft.run(conflict.conflictId).slice(0, operationsCovered);
  const unseen = covered.slice(covered.length - count).map(contentOf);
  const replayed = { unseen, localTimestampMs, localTimes, budget: { left: RUN_VALUES_MAX } };
  const raised = { ...rises, ...replayed, ancestor, local, costly: false };
  return mergeRaised(conflict.strategy, raised, remote, policy);
}

function commit(
  conflict: ConflictWrite,
  outcome: Commit,
  resolution: Resolution,
  draft: WindowDraft,
  { newId, policies }: { newId: () => string; policies: Policies },
): Settled {
  const { conflict: rest, rest: left } = draft.splitRun(conflict, resolution.operationsCovered);
  const covered = draft.run(conflict.conflictId);
  const refusalByClientId = new Map(outcome.refused.map((refused) => [refused.clientId, refused]));
  const accepted = covered.filter((held) => !refusalByClientId.has(clientIdOf(held)));

  const current = draft.document(conflict.workspaceId, conflict.collection, conflict.documentId);
  const { change } = writeMerge(draft, {
    workspaceId: conflict.workspaceId,
    collection: conflict.collection,
    documentId: conflict.documentId,
    data: outcome.document,
    ended: outcome.ended ?? null,
    deviceId: conflict.deviceId,
    deviceDeclared: conflict.deviceDeclared,
    clientTimestampMs: resolution.inputs.localTimestampMs,
    times: resolution.inputs.localTimes,
    policy: policyOf(policies, conflict.collection),
    unit: undefined,
    operations: accepted.length,
  });
  let version = current?.version ?? 0;
  const settled = covered.map((held) => {
    const refused = refusalByClientId.get(clientIdOf(held));
    if (refused !== undefined) {
      return complete(conflict, held, null, draft, {
        status: "error",
        errorType: refused.errorType,
        error: refused.message,
        content: sentAgainAs(conflict, held),
      });
    }
    if (change !== null) version += 1;
    return complete(conflict, held, change, draft, {
      status: "success",
      version,
      merged: true,
      overlapCount: outcome.overlaps.length,
      rounds: conflict.round,
      error: null,
      errorType: null,
    });
  });

  draft.roundsTaken.push(conflict.round);
  draft.updateConflict({
    ...rest,
    status: "resolved",
    seenVersion: resolution.rises.seenVersion,
    ...decidedBy(conflict, resolution),
    ancestorView: resolution.inputs.ancestor,
    remoteView: current?.data?.value ?? null,
    localView: resolution.inputs.local,
    result: outcome.document,
    overlapList: outcome.overlaps,
    twoWay: outcome.twoWay,
    resolvedVersion: version,
  });
  if (left.length === 0) return { settled };
  const { seenVersion } = resolution.rises;
  const next = { ...conflict, conflictId: newId(), baseVersion: seenVersion };
  return { settled, round: continueWith(next, left, resolution.inputs.local, draft) };
}

/**
 * Opens a new conflict for operations held after the merge was computed. Its ancestor is the device's view when it
 * continued: its own run so far. Merged against that, the device never overlaps with itself.
 */
function continueWith(
  conflict: ConflictWrite,
  left: readonly Held[],
  deviceView: JsonObject | null,
  draft: WindowDraft,
): ConflictRound {
  const { workspaceId, conflictId, trace } = conflict;
  const seenVersion = left.reduce(risenBy, conflict.baseVersion);
  draft.openConflict({ ...conflict, seenVersion, round: 1, deviceView: deviceView ?? {} }, left);
  for (const held of left) complete(conflict, held, null, draft, { status: "pending", conflictId });
  return { workspaceId, conflictId, round: 1, trace };
}

/**
 * Parks a conflict. Parked is final for the device's answer; the record keeps all inputs for the person who
 * decides.
 */
function park(
  conflict: ConflictWrite,
  outcome: Park,
  resolution: Pick<Resolution, "hook" | "strategy">,
  draft: WindowDraft,
): Settled {
  draft.roundsTaken.push(conflict.round);
  draft.updateConflict({
    ...conflict,
    status: "parked",
    ...decidedBy(conflict, resolution),
    result: outcome.proposed,
    overlapList: outcome.overlaps,
    reason: outcome.reason,
  });
  const settled = draft.run(conflict.conflictId).map((held) =>
    complete(conflict, held, null, draft, {
      status: "conflict",
      error: outcome.reason,
      errorType: "parked",
    }),
  );
  return { settled };
}

/** The hook and strategy that decided, as shown by the record. */
function decidedBy(
  conflict: ConflictWrite,
  { hook, strategy = conflict.strategy }: Pick<Resolution, "hook" | "strategy">,
): Pick<ConflictWrite, "hook" | "strategy"> {
  return { hook: hook ?? null, strategy };
}

function complete(
  conflict: ConflictWrite,
  held: Held,
  change: ChangeDraft | null,
  draft: WindowDraft,
  outcome: Partial<LedgerWrite>,
): LedgerDraft {
  const known = draft.ledger(conflict.workspaceId, conflict.deviceId, clientIdOf(held));
  assertInvariant(known !== undefined, "the ledger has no row of a held operation");
  const settled = { row: { ...known.row, ...outcome }, change };
  draft.record(settled);
  return settled;
}

function risenBy(seen: number | null, held: Held): number | null {
  if ("batchId" in held) return risenTo(seen, held.operation);
  return held.risesTo === null ? seen : Math.max(seen ?? 0, held.risesTo);
}

/** The content of a run's failing operation, for another try. */
function sentAgainAs(conflict: ConflictWrite, held: Held): string {
  const { deviceDeclared, strategy: onConflict, hook, baseVersion } = conflict;
  const { expectedVersion, versionUnknown, ...operation } = contentOf(held);
  // A version of another epoch, or one that never existed, stays unknown.
  const isUnknown = expectedVersion === undefined || versionUnknown || baseVersion === null;
  const expected = isUnknown ? {} : { expectedVersion };
  const content: OperationContent = {
    operation: { ...operation, ...expected },
    deviceDeclared,
    // If a hook was to be called, the batch named no other strategy than the policy's.
    ...(hook === null && { onConflict }),
  };
  return JSON.stringify(content);
}

function contentOf(held: Held): AcceptedOperation {
  const operation = "batchId" in held ? held.operation : held.content;
  assertInvariant(operation !== null, "the content of a run was not read");
  return operation;
}
