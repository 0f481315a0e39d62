import type { JsonObject } from "@syncline/shared/document";
import { policyOf, type ConflictStrategy } from "@syncline/shared/merge";
import { risenTo } from "@syncline/shared/operations";
import { documentKey, type Version } from "@syncline/shared/protocol";
import type { Case } from "./case.ts";
import type { StartedConflict } from "./conflicts-draft.ts";
import type { ConflictWrite } from "./window-plan.ts";
import type { ConflictDocuments, NewlyHeld } from "./window-state.ts";

export type NewConflict = StartedConflict & Pick<ConflictDocuments, "ancestor" | "deviceView">;

/** Returns the record of a conflict that an operation starts, with its run of one operation. */
export function newConflict(
  on: Case,
  { evaluatedBase, currentVersion }: { evaluatedBase: Version | null; currentVersion: Version },
  strategy: ConflictStrategy,
): { conflict: NewConflict; held: NewlyHeld } {
  const { batch, operation } = on;
  const { baseVersion, deviceView } = originOf(on, evaluatedBase);
  const held = heldOf(on);
  const conflict: NewConflict = {
    workspaceId: batch.workspaceId,
    conflictId: on.deps.newId(),
    collection: operation.collection,
    documentId: operation.documentId,
    deviceId: batch.deviceId,
    deviceDeclared: batch.deviceDeclared,
    strategy,
    hook: hookOf(on, strategy),
    round: 1,
    baseVersion,
    seenVersion: risenTo(baseVersion, held.operation),
    currentVersion,
    ancestor: operation.ancestor ?? null,
    deviceView,
    twoWay: null,
    reason: null,
    resolvedVersion: null,
    resolvedSeq: null,
    refusedEntryId: null,
    // Replaced by the revision of its commit, once the window is planned.
    revision: 0,
    trace: on.trace,
  };
  return { conflict, held };
}

/** An operation to be merged later, when the epoch of its version is no longer known. */
export function heldOf({ batch, operation, draft, state }: Case): NewlyHeld {
  const { batchId, workspaceId, epoch } = batch;
  const { collection, documentId, expectedVersion = 0 } = operation;
  const current = draft.documents.find(workspaceId, collection, documentId)?.version ?? 0;
  const isOfOtherEpoch = epoch !== undefined && epoch !== state.epoch;
  const isUnknown = operation.expectedVersion !== undefined && (isOfOtherEpoch || expectedVersion > current);
  return { batchId, operation: isUnknown ? { ...operation, versionUnknown: true } : operation };
}

/** The state that a device started from when it made an operation that is now in conflict. */
interface Origin {
  baseVersion: Version | null;
  deviceView: JsonObject | null;
}

/**
 * Returns the origin of an operation in conflict. An operation made before its device knew of the merge of an
 * earlier one is stacked on that one: the device saw its own run, not the server's document. Replayed on the
 * version that it names, the operation would undo the run, or change another row than intended. If it names a newer
 * version than that run did, it rises to that version.
 */
function originOf({ batch, operation, draft }: Case, baseVersion: Version | null): Origin {
  const document = documentKey(batch.workspaceId, operation.collection, operation.documentId);
  const resolved = draft.conflicts.lastResolved(batch.deviceId, document);
  if (resolved === undefined || baseVersion === null) return { baseVersion, deviceView: null };
  const { seenVersion, resolvedVersion } = resolved;
  if (seenVersion === null || resolvedVersion === null) return { baseVersion, deviceView: null };
  const resolvedBase = resolved.baseVersion ?? seenVersion;
  if (baseVersion < resolvedBase || baseVersion >= resolvedVersion) return { baseVersion, deviceView: null };
  return { baseVersion: seenVersion, deviceView: draft.past.viewOf(resolved, "localView") };
}

/**
 * The hook's state in a new conflict. A hook is called unless the operation or its batch names another strategy than the policy's,
 * and never for a decision within a drain.
 */
function hookOf({ operation, grouped, deps }: Case, strategy: ConflictStrategy): ConflictWrite["hook"] {
  const policy = policyOf(deps.policies ?? {}, operation.collection);
  if (policy.resolve === undefined) return null;
  if (grouped) return "skipped";
  return strategy === (policy.strategy ?? "merge") ? "due" : null;
}
