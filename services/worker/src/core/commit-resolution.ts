import type { JsonObject } from "@syncline/shared/document";
import { policyOf, type Policies } from "@syncline/shared/merge";
import type { Resolution, Version } from "@syncline/shared/protocol";
import type { ChangeDraft } from "./change-draft.ts";
import { clientIdOf, risenBy, type Held } from "./device-run.ts";
import type { RowDraft } from "./ledger-draft.ts";
import { decidedBy, sentAgainAs, settleHeld, type Commit, type Settled } from "./settle-held.ts";
import type { WindowDraft } from "./window-draft.ts";
import type { ConflictRound, ConflictWrite } from "./window-plan.ts";
import { writeMerge } from "./write-merge.ts";

/** Writes a merge, settles the operations that it covers, and continues with those held since. */
export function commitResolution(
  draft: WindowDraft,
  conflict: ConflictWrite,
  outcome: Commit,
  resolution: Resolution,
  { newId, policies }: { newId: () => string; policies: Policies },
): Settled {
  const { workspaceId, collection, documentId } = conflict;
  const { conflict: rest, rest: left } = draft.conflicts.splitRun(conflict, resolution.operationsCovered);
  const current = draft.documents.find(workspaceId, collection, documentId);
  const covered = draft.conflicts.run(conflict.conflictId);
  const { change } = writeMerge(draft, {
    workspaceId,
    collection,
    documentId,
    data: outcome.document,
    ended: outcome.ended ?? null,
    deviceId: conflict.deviceId,
    deviceDeclared: conflict.deviceDeclared,
    clientTimestampMs: resolution.inputs.localTimestampMs,
    times: resolution.inputs.localTimes,
    policy: policyOf(policies, collection),
    unit: undefined,
    operations: covered.length - countRefused(covered, outcome),
  });
  const { settled, version } = settleCovered(draft, conflict, outcome, change, current?.version ?? 0);

  draft.conflicts.roundsTaken.push(conflict.round);
  draft.conflicts.update("merged", {
    ...rest,
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
  return { settled, round: continueWith(draft, next, left, resolution.inputs.local) };
}

function countRefused(covered: readonly Held[], { refused }: Commit): number {
  const refusedIds = new Set<string>(refused.map(({ clientId }) => clientId));
  return covered.filter((held) => refusedIds.has(clientIdOf(held))).length;
}

/** Settles each operation of a merged run with the version that it would have had alone, or with its own fault. */
function settleCovered(
  draft: WindowDraft,
  conflict: ConflictWrite,
  outcome: Commit,
  change: ChangeDraft | null,
  versionBefore: Version,
): { settled: RowDraft[]; version: Version } {
  const refusalByClientId = new Map(outcome.refused.map((refused) => [refused.clientId, refused]));
  let version = versionBefore;
  const settled = draft.conflicts.run(conflict.conflictId).map((held) => {
    const refused = refusalByClientId.get(clientIdOf(held));
    if (refused !== undefined) {
      const { errorType, message: error } = refused;
      const content = sentAgainAs(conflict, held);
      return settleHeld(draft, conflict, held, { status: "error", errorType, error, content });
    }
    if (change !== null) version += 1;
    const merged = { merged: true, overlapCount: outcome.overlaps.length, rounds: conflict.round };
    const success = { status: "success", version, ...merged, error: null, errorType: null } as const;
    return settleHeld(draft, conflict, held, success, change);
  });
  return { settled, version };
}

/**
 * Opens a new conflict for operations held after the merge was computed. Its ancestor is the device's view when it
 * continued: its own run so far. Merged against that, the device never overlaps with itself.
 */
function continueWith(
  draft: WindowDraft,
  conflict: ConflictWrite,
  left: readonly Held[],
  deviceView: JsonObject | null,
): ConflictRound {
  const { workspaceId, conflictId, trace } = conflict;
  const seenVersion = left.reduce(risenBy, conflict.baseVersion);
  draft.conflicts.open("opened", { ...conflict, seenVersion, round: 1, deviceView: deviceView ?? {} }, left);
  for (const held of left) settleHeld(draft, conflict, held, { status: "pending", conflictId });
  return { workspaceId, conflictId, round: 1, trace };
}
