import { RUN_VALUES_MAX } from "@syncline/shared/document";
import { policyOf, type Policies } from "@syncline/shared/merge";
import { mergeLast, mergeRaised } from "@syncline/shared/operations";
import { accepts, type MergeInputs, type MergeOutcome, type Resolution } from "@syncline/shared/protocol";
import { commitResolution } from "./commit-resolution.ts";
import { contentOf } from "./device-run.ts";
import { parkConflict } from "./park-conflict.ts";
import { editsOf, remoteOf } from "./remote-of.ts";
import type { Settled } from "./settle-held.ts";
import { parkUnstorable } from "./why-not-stored.ts";
import type { WindowDraft } from "./window-draft.ts";
import type { ConflictWrite } from "./window-plan.ts";

/**
 * Completes a conflict's resolution, or starts the next round if the document has moved since the merge saw it. The
 * last round carries the inputs of the merge, and is merged here, so contention alone never parks a conflict.
 */
export function applyResolution(
  resolution: Resolution,
  draft: WindowDraft,
  { newId, policies = {} }: { newId: () => string; policies?: Policies | undefined },
): Settled {
  const conflict = draft.conflicts.find(resolution.conflictId);
  if (conflict === undefined || !accepts(conflict.status, "merged") || conflict.round !== resolution.round) {
    return { settled: [] };
  }
  if (resolution.outcome.kind === "park") {
    return parkConflict(draft, conflict, resolution.outcome, resolution);
  }
  const current = draft.documents.find(conflict.workspaceId, conflict.collection, conflict.documentId);
  const isCurrent = (current?.version ?? 0) === resolution.expectedVersion;
  if (isCurrent || resolution.isLastRound) {
    const merged = isCurrent ? resolution : mergeNow(conflict, resolution, draft, policies);
    const policy = policyOf(policies, conflict.collection);
    const outcome = parkUnstorable(merged.outcome, policy, current?.data?.value ?? null);
    if (outcome.kind === "park") return parkConflict(draft, conflict, outcome, resolution);
    const { inputs } = merged;
    return commitResolution(draft, conflict, outcome, { ...resolution, inputs }, { newId, policies });
  }
  const round = conflict.round + 1;
  draft.conflicts.update("moved", { ...conflict, round });
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
  const covered = draft.conflicts.run(conflict.conflictId).slice(0, operationsCovered);
  const unseen = covered.slice(covered.length - count).map(contentOf);
  const replayed = { unseen, localTimestampMs, localTimes, budget: { left: RUN_VALUES_MAX } };
  const raised = { ...rises, ...replayed, ancestor, local, costly: false };
  return mergeRaised(conflict.strategy, raised, remote, policy);
}
