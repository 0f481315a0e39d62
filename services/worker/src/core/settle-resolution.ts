import {
  assertInvariant,
  jsonEqual,
  mergeByStrategy,
  type HeldOperation,
  type JsonObject,
  type MergeOutcome,
  type Resolution,
  type LedgerRow,
} from "@syncline/shared";
import type { ChangeDraft, LedgerDraft, WindowDraft } from "./window-draft.ts";
import type { ConflictRound } from "./window-plan.ts";
import type { ConflictState } from "./window-state.ts";

/** What a resolution came to: the operations that now have their final answer, and the round that is to follow. */
export interface Settled {
  settled: LedgerDraft[];
  round?: ConflictRound;
}

type Commit = Extract<MergeOutcome, { kind: "commit" }>;
type Park = Extract<MergeOutcome, { kind: "park" }>;

/**
 * Takes a conflict's resolution to its end, or to its next round when the document has moved since the merge saw it.
 * The last round carries what the merge needs, and is merged here, so contention alone never parks a conflict.
 */
export function settleResolution(resolution: Resolution, draft: WindowDraft, newId: () => string): Settled {
  const conflict = draft.conflict(resolution.conflictId);
  if (conflict === undefined || conflict.status !== "open" || conflict.round !== resolution.round) {
    return { settled: [] };
  }
  if (resolution.outcome.kind === "park") return park(conflict, resolution.outcome, draft);

  const current = draft.document(conflict.workspaceId, conflict.collection, conflict.documentId);
  if ((current?.version ?? 0) === resolution.expectedVersion) {
    return commit(conflict, resolution.outcome, resolution, draft, newId);
  }
  if (resolution.isLastRound) {
    const merged = mergeByStrategy(conflict.strategy, resolution.inputs, current?.data ?? null);
    if (merged.kind === "park") return park(conflict, merged, draft);
    return commit(conflict, { ...resolution.outcome, ...merged }, resolution, draft, newId);
  }
  const round = conflict.round + 1;
  draft.updateConflict({ ...conflict, round });
  const { workspaceId, conflictId, trace } = conflict;
  return { settled: [], round: { workspaceId, conflictId, round, trace } };
}

function commit(
  conflict: ConflictState,
  outcome: Commit,
  resolution: Resolution,
  draft: WindowDraft,
  newId: () => string,
): Settled {
  const covered = conflict.operations.slice(0, resolution.operationsCovered);
  const left = conflict.operations.slice(resolution.operationsCovered);
  const refusalByClientId = new Map(outcome.refused.map((refused) => [refused.clientId, refused]));
  const accepted = covered.filter((operation) => !refusalByClientId.has(operation.clientId));

  const current = draft.document(conflict.workspaceId, conflict.collection, conflict.documentId);
  const versionBefore = current?.version ?? 0;
  const writes = accepted.length > 0 && !jsonEqual(current?.data ?? null, outcome.document);
  let change: ChangeDraft | null = null;
  if (writes) {
    draft.endRun(conflict.workspaceId, conflict.deviceId);
    change = draft.write({
      workspaceId: conflict.workspaceId,
      collection: conflict.collection,
      documentId: conflict.documentId,
      data: outcome.document,
      deviceId: conflict.deviceId,
      deviceDeclared: conflict.deviceDeclared,
      clientTimestampMs: accepted.at(-1)?.timestampMs ?? null,
      unit: undefined,
      operations: accepted.length,
    }).change;
    draft.endRun(conflict.workspaceId, conflict.deviceId);
  }
  let version = versionBefore;
  const settled = covered.map((operation) => {
    const refused = refusalByClientId.get(operation.clientId);
    if (refused !== undefined) {
      return settle(conflict, operation, null, draft, {
        status: "error",
        errorType: refused.errorType,
        error: refused.message,
      });
    }
    if (writes) version += 1;
    return settle(conflict, operation, change, draft, {
      status: "success",
      version,
      merged: true,
      overlapCount: outcome.overlaps.length,
      rounds: conflict.round,
      error: null,
      errorType: null,
    });
  });

  draft.updateConflict({
    ...conflict,
    status: "resolved",
    operations: covered,
    localView: resolution.inputs.local,
    result: outcome.document,
    overlapList: outcome.overlaps,
    twoWay: outcome.twoWay,
    resolvedVersion: version,
  });
  if (left.length === 0) return { settled };
  return { settled, round: continueWith(conflict, left, resolution.inputs.local, draft, newId()) };
}

/**
 * What was held after the merge was computed becomes a conflict of its own, whose ancestor is what the device saw when
 * it went on: its own run so far. Merged against that, the device never overlaps with itself.
 */
function continueWith(
  conflict: ConflictState,
  left: HeldOperation[],
  deviceView: JsonObject | null,
  draft: WindowDraft,
  conflictId: string,
): ConflictRound {
  const { workspaceId, trace } = conflict;
  draft.openConflict({
    ...conflict,
    conflictId,
    round: 1,
    deviceView: deviceView ?? {},
    operations: left,
  });
  for (const operation of left) {
    settle(conflict, operation, null, draft, { status: "pending", conflictId });
  }
  return { workspaceId, conflictId, round: 1, trace };
}

/** Parked is final for the device's answer; the record keeps everything for the person who decides. */
function park(conflict: ConflictState, outcome: Park, draft: WindowDraft): Settled {
  draft.updateConflict({
    ...conflict,
    status: "parked",
    result: outcome.proposed,
    overlapList: outcome.overlaps,
    reason: outcome.reason,
  });
  const settled = conflict.operations.map((operation) =>
    settle(conflict, operation, null, draft, {
      status: "conflict",
      error: outcome.reason,
      errorType: "parked",
    }),
  );
  return { settled };
}

function settle(
  conflict: ConflictState,
  operation: HeldOperation,
  change: ChangeDraft | null,
  draft: WindowDraft,
  outcome: Partial<LedgerRow>,
): LedgerDraft {
  const known = draft.ledger(conflict.workspaceId, conflict.deviceId, operation.clientId);
  assertInvariant(known !== undefined, "the ledger has no row of a held operation");
  const settled = { row: { ...known.row, ...outcome }, change };
  draft.record(settled);
  return settled;
}
