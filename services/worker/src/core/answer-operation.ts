import { sizeOf, spend, type JsonObject } from "@syncline/shared/document";
import { policyOf, type ConflictStrategy } from "@syncline/shared/merge";
import {
  mergeRun,
  NO_HISTORY,
  risenTo,
  versionsOf,
  type DeviceRun,
  type RunHistory,
} from "@syncline/shared/operations";
import {
  type ErrorType,
  documentKey,
  type AcceptedBatch,
  type AcceptedOperation,
  type LedgerRow,
  type MergeOutcome,
  type OperationContent,
  type OperationResult,
  type Version,
} from "@syncline/shared/protocol";
import type { Case } from "./case.ts";
import { isExpired } from "./is-expired.ts";
import { evaluateOperation, type Evaluation } from "./evaluate-operation.ts";
import { applyDecision } from "./apply-decision.ts";
import type { ChangeDraft, LedgerDraft, WindowDraft } from "./window-draft.ts";
import type { ConflictRound, ConflictWrite, LedgerWrite } from "./window-plan.ts";
import { operationPosition } from "./window-positions.ts";
import { editsOf, remoteOf } from "./remote-of.ts";
import { writeMerge } from "./write-merge.ts";
import type { ConflictDocuments, NewlyHeld } from "./window-state.ts";

/** The answer to one operation of a batch: recorded in the ledger, or for this batch only. */
export type Answer =
  | {
      kind: "ledger";
      draft: LedgerDraft;
      replayed: boolean;
      /** Records a failure again after its group was undone. */
      restore?: () => void;
    }
  | { kind: "unrecorded"; result: OperationResult };

export function answerOperation(on: Case, rounds: ConflictRound[]): Answer {
  const { batch, operation, draft, state, deps } = on;
  const known = recall(batch, operation, draft);
  if (known !== undefined) {
    return on.grouped && statusOf(known) === "pending" ? stillMerging(operation) : known;
  }
  const expires = operation.replay === undefined;
  const ledger = { retentionMs: deps.ledgerRetentionMs, droppedToMs: state.ledgerDroppedToMs };
  if (expires && isExpired(operation.clientId, batch.acceptedAtMs, ledger)) {
    return expired(operation);
  }
  const refusal = deps.refusals?.get(operationPosition(batch.batchId, operation.position));
  if (refusal !== undefined) return fail(on, "operation_refused", refusal);

  if (operation.decision !== undefined) {
    const decided = applyDecision(on, operation.decision);
    if (decided.kind === "error") return fail(on, decided.errorType, decided.message);
    const { recorded, change } = decided;
    return change === null ? record(on, recorded) : written(on, recorded, change);
  }
  const document = draft.document(batch.workspaceId, operation.collection, operation.documentId);
  const key = documentKey(batch.workspaceId, operation.collection, operation.documentId);
  const behind =
    draft.unsettledConflict(batch.deviceId, key) ??
    draft.refusingConflict(batch.deviceId, key, on.answeredId);
  if (behind !== undefined) return stayBehind(on, behind);

  const versionsKnown = batch.epoch === undefined || batch.epoch === state.epoch;
  const { deviceId, deviceDeclared } = batch;
  const policy = policyOf(deps.policies ?? {}, operation.collection);
  const evaluation = evaluateOperation(operation, document, {
    deviceId,
    deviceDeclared,
    versionsKnown,
    policy,
  });
  switch (evaluation.kind) {
    case "nothing":
      return record(on, { status: "success", version: document?.version ?? 0 });
    case "error":
      return fail(on, evaluation.errorType, evaluation.message);
    case "write": {
      const { change, version } = draft.write({
        workspaceId: batch.workspaceId,
        collection: operation.collection,
        documentId: operation.documentId,
        data: evaluation.data,
        timesAt: evaluation.timesAt,
        deviceId,
        deviceDeclared,
        clientTimestampMs: operation.timestampMs ?? null,
        policy,
        unit: unitOf(on),
        operations: 1,
      });
      return written(on, { status: "success", version }, change);
    }
    case "conflict":
      return collide(on, evaluation, rounds);
    default:
      return evaluation satisfies never;
  }
}

/** Returns the earlier answer to an operation, or an error if its `client_id` was used for another one. */
export function recall(
  batch: AcceptedBatch,
  operation: AcceptedOperation,
  draft: WindowDraft,
): Answer | undefined {
  const known = draft.ledger(batch.workspaceId, batch.deviceId, operation.clientId);
  if (known === undefined) return undefined;
  if (known.row.fingerprint !== operation.fingerprint) return reusedClientId(operation);
  if (operation.replay && known.row.status === "error" && known.row.batchId !== batch.batchId) {
    return undefined;
  }
  return { kind: "ledger", draft: known, replayed: known.row.batchId !== batch.batchId };
}

type Collision = Extract<Evaluation, { kind: "conflict" }>;
type Mismatch = Pick<LedgerRow, "error" | "errorType" | "expectedVersion" | "currentVersion">;

/**
 * Answers a conflict. The conflict service merges it; in a group it is merged immediately or fails, because a group
 * cannot wait.
 */
function collide(on: Case, evaluation: Collision, rounds: ConflictRound[]): Answer {
  const { batch, operation, draft } = on;
  const document = draft.document(batch.workspaceId, operation.collection, operation.documentId);
  const currentVersion = document?.version ?? 0;
  const mismatch: Mismatch = {
    error: evaluation.reason,
    errorType: evaluation.reasonType,
    expectedVersion: operation.expectedVersion ?? null,
    currentVersion,
  };
  const { strategy: ofPolicy = "merge" } = policyOf(on.deps.policies ?? {}, operation.collection);
  const strategy = batch.onConflict ?? (on.grouped ? "report" : ofPolicy);
  const conflict = newConflict(on, originOf(on, evaluation.baseVersion), currentVersion, strategy);
  if (strategy === "report") return report(on, conflict, mismatch);
  if (on.grouped) return mergeAtOnce(on, conflict, mismatch);

  draft.openConflict(conflict, [heldOf(on)]);
  const { workspaceId, conflictId } = conflict;
  rounds.push({ workspaceId, conflictId, round: 1, trace: on.trace });
  return record(on, { status: "pending", conflictId, ...mismatch });
}

const MERGES_TOO_COSTLY =
  "The documents that this batch would have to merge are too large together. Send fewer of them in one group";

/** Tells whether an operation failed because its batch would have to merge too much. */
export function isBeyondMerges(answer: Answer): boolean {
  return answer.kind === "ledger" && answer.draft.row.error === MERGES_TOO_COSTLY;
}

/** Merges an operation of a group immediately. A merge that needs a person fails the group. */
function mergeAtOnce(on: Case, conflict: NewConflict, mismatch: Mismatch): Answer {
  const { batch, operation, draft } = on;
  const { workspaceId, collection, documentId, conflictId, currentVersion } = conflict;
  const policy = policyOf(on.deps.policies ?? {}, collection);
  const current = draft.document(workspaceId, collection, documentId);
  // All three sides have about as many values. No history is read for a merge beyond the budget.
  const likely = 3 * (current?.data?.size.values ?? 1);
  if (on.mergeBudget.left < likely) return fail(on, "operation_too_costly", MERGES_TOO_COSTLY);
  const held = heldOf(on);
  const run = { ...conflict, operations: [held.operation] };
  const edits = editsOf(draft, conflict, { since: conflict.baseVersion, seenUntil: null });
  const history = { ...historyOf(on, run), ...(edits && { edits }) };
  // The plan will be made again with the history, so a merge now would be wasted.
  if (draft.missingHistory.size > 0) {
    spend(on.mergeBudget, likely);
    return written(on, { status: "success", version: currentVersion }, null);
  }
  const [from, ...onwards] = history.changes.map(({ data }) => data);
  const sides = [conflict.deviceView ?? from ?? conflict.ancestor, current?.data?.value, ...onwards];
  const looked = sides.reduce((sum, document) => sum + sizeOf(document ?? null).values, 0);
  // The local side has about as many values as the document it starts from.
  // Never less than was likely: what is too much before the history is read stays so.
  if (!spend(on.mergeBudget, Math.max(likely, looked + sizeOf(sides[0] ?? null).values))) {
    return fail(on, "operation_too_costly", MERGES_TOO_COSTLY);
  }
  const { inputs, outcome } = mergeRun(
    conflict.strategy,
    run,
    history,
    remoteOf(draft, conflict, { edits, seenVersion: conflict.seenVersion }, policy),
    policy,
  );
  if (outcome.kind === "park") return report(on, withOverlaps(conflict, outcome), mismatch);
  const [refused] = outcome.refused;
  if (refused !== undefined) return fail(on, refused.errorType, refused.message);

  const { change, version } = writeMerge(draft, {
    workspaceId,
    collection,
    documentId,
    data: outcome.document,
    ended: outcome.ended ?? null,
    deviceId: batch.deviceId,
    deviceDeclared: batch.deviceDeclared,
    clientTimestampMs: operation.timestampMs ?? null,
    times: inputs.localTimes,
    policy,
    unit: unitOf(on),
    operations: 1,
  });
  draft.openConflict(
    {
      ...conflict,
      status: "resolved",
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
  return written(
    on,
    { status: "success", version, merged: true, overlapCount, rounds: 0, conflictId },
    change,
  );
}

function withOverlaps(
  conflict: ConflictWrite,
  { proposed, overlaps, reason }: Extract<MergeOutcome, { kind: "park" }>,
): ConflictWrite {
  return { ...conflict, result: proposed, overlapList: overlaps, reason };
}

/** Answers `conflict`, and leaves the decision to the device. */
function report(on: Case, given: ConflictWrite, mismatch: Mismatch): Answer {
  const held = heldOf(on);
  const conflict: ConflictWrite = { ...given, status: "reported", refusedEntryId: on.entryId };
  return record(on, { status: "conflict", conflictId: conflict.conflictId, ...mismatch }, () =>
    on.draft.openConflict(conflict, [held]),
  );
}

/** The documents that a merge in the drain starts from. Documents that were not read yet are noted as missing. */
function historyOf({ batch, operation, draft }: Case, run: DeviceRun): RunHistory {
  const { workspaceId, deviceId, deviceDeclared } = batch;
  const { collection, documentId } = operation;
  const versions = versionsOf(run);
  if (run.deviceView !== null) {
    const from = run.baseVersion ?? 0;
    const to = versions.at(-1) ?? 0;
    return to > from ? draft.riseOf({ workspaceId, collection, documentId, deviceId, from, to }) : NO_HISTORY;
  }
  const changes = versions.flatMap((version) => {
    const seenBy = deviceDeclared ? deviceId : null;
    const historic = draft.historic({ workspaceId, collection, documentId, version, deviceId: seenBy });
    if (historic === null) return [];
    return [{ ...historic, firstVersion: version, version, timestampMs: null, own: false }];
  });
  return { changes, lastOwnVersion: 0 };
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
  const resolved = draft.lastResolvedConflict(batch.deviceId, document);
  if (resolved === undefined || baseVersion === null) return { baseVersion, deviceView: null };
  const { seenVersion, resolvedVersion } = resolved;
  if (seenVersion === null || resolvedVersion === null) return { baseVersion, deviceView: null };
  const resolvedBase = resolved.baseVersion ?? seenVersion;
  if (baseVersion < resolvedBase || baseVersion >= resolvedVersion) return { baseVersion, deviceView: null };
  return { baseVersion: seenVersion, deviceView: draft.viewOf(resolved, "localView") };
}

type NewConflict = ConflictWrite & Pick<ConflictDocuments, "ancestor" | "deviceView">;

function newConflict(
  on: Case,
  { baseVersion, deviceView }: Origin,
  currentVersion: Version,
  strategy: ConflictStrategy,
): NewConflict {
  const { batch, operation } = on;
  return {
    workspaceId: batch.workspaceId,
    conflictId: on.deps.newId(),
    collection: operation.collection,
    documentId: operation.documentId,
    deviceId: batch.deviceId,
    deviceDeclared: batch.deviceDeclared,
    status: "open",
    strategy,
    hook: hookOf(on, strategy),
    round: 1,
    baseVersion,
    seenVersion: risenTo(baseVersion, heldOf(on).operation),
    currentVersion,
    ancestor: operation.ancestor ?? null,
    deviceView,
    operationCount: 1,
    operationBytes: 0,
    twoWay: null,
    reason: null,
    resolvedVersion: null,
    resolvedSeq: null,
    refusedEntryId: null,
    // Replaced by the revision of its commit, once the window is planned.
    revision: 0,
    trace: on.trace,
  };
}

/**
 * The hook's state in a new conflict. A hook is called unless the batch names another strategy than the policy's,
 * and never for a decision within a drain.
 */
function hookOf({ operation, grouped, deps }: Case, strategy: ConflictStrategy): ConflictWrite["hook"] {
  const policy = policyOf(deps.policies ?? {}, operation.collection);
  if (policy.resolve === undefined) return null;
  if (grouped) return "skipped";
  return strategy === (policy.strategy ?? "merge") ? "due" : null;
}

/** An operation to be merged later, when the epoch of its version is no longer known. */
function heldOf({ batch, operation, draft, state }: Case): NewlyHeld {
  const { batchId, workspaceId, epoch } = batch;
  const { collection, documentId, expectedVersion = 0 } = operation;
  const current = draft.document(workspaceId, collection, documentId)?.version ?? 0;
  const isOfOtherEpoch = epoch !== undefined && epoch !== state.epoch;
  const isUnknown = operation.expectedVersion !== undefined && (isOfOtherEpoch || expectedVersion > current);
  return { batchId, operation: isUnknown ? { ...operation, versionUnknown: true } : operation };
}

/**
 * Answers an operation behind the device's own conflict on its document: it is held or refused with that conflict,
 * and never overtakes it.
 */
function stayBehind(on: Case, behind: ConflictWrite): Answer {
  const { operation, draft, entryId } = on;
  const isReported = behind.refusedEntryId !== null;
  const conflict = isReported ? { ...behind, refusedEntryId: entryId } : behind;
  const { conflictId, currentVersion } = conflict;
  const mismatch = { conflictId, currentVersion, expectedVersion: operation.expectedVersion ?? null };
  const error = isReported
    ? "The device sent this operation before it received the conflict on this document"
    : "The device has an unresolved conflict on this document";
  const refused: Recorded = { status: "conflict", error, errorType: "behind_conflict", ...mismatch };
  // No operation waits behind a reported conflict, so that the device is never blocked. Operations beyond the limit
  // are refused and not kept.
  if (on.grouped || (isReported && isFull(conflict))) {
    return record(on, refused, isReported ? () => draft.updateConflict(conflict) : undefined);
  }
  const held = heldOf(on);
  const hold = () => {
    draft.hold({ ...conflict, seenVersion: risenTo(conflict.seenVersion, held.operation) }, held);
  };
  return record(on, conflict.status === "open" ? { status: "pending", ...mismatch } : refused, hold);
}

/**
 * Applies the limits of the index `conflicts_full` to a reported conflict; for unresolved ones, ingest refuses
 * operations beyond them.
 */
function isFull({ operationCount, operationBytes }: ConflictWrite): boolean {
  return operationCount >= 1_000 || operationBytes >= 16 * 1024 * 1024;
}

type Recorded = Pick<LedgerWrite, "status"> & Partial<LedgerWrite>;

/** Records an operation with the change that contains it. */
function written(on: Case, recorded: Recorded, change: ChangeDraft | null): Answer {
  const ledgerDraft = { row: ledgerRow(on, recorded), change };
  on.draft.record(ledgerDraft);
  return { kind: "ledger", draft: ledgerDraft, replayed: false };
}

/** Records an operation that wrote no document, and runs an optional further update. */
function record(on: Case, recorded: Recorded, note?: () => void): Answer {
  const { draft } = on;
  const ledgerDraft = { row: ledgerRow(on, recorded), change: null };
  const restore = () => {
    draft.endFold(ledgerDraft.row);
    draft.record(ledgerDraft);
    note?.();
  };
  restore();
  return { kind: "ledger", draft: ledgerDraft, replayed: false, restore };
}

/** Records a failing operation with its content, so that it can be tried again once the cause is gone. */
function fail(on: Case, errorType: ErrorType, error: string): Answer {
  const { batch, operation, grouped } = on;
  const { deviceDeclared, onConflict, epoch } = batch;
  const content: OperationContent = {
    operation,
    deviceDeclared,
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(epoch === undefined ? {} : { epoch }),
  };
  // A group's operations cannot take effect one by one.
  return record(on, {
    status: "error",
    errorType,
    error,
    ...(!grouped && { content: JSON.stringify(content) }),
  });
}

function ledgerRow({ batch, operation, trace }: Case, recorded: Recorded): LedgerWrite {
  return {
    workspaceId: batch.workspaceId,
    deviceId: batch.deviceId,
    clientId: operation.clientId,
    batchId: batch.batchId,
    fingerprint: operation.fingerprint,
    operation: operation.kind,
    collection: operation.collection,
    documentId: operation.documentId,
    version: null,
    seq: null,
    merged: false,
    decided: null,
    overlapCount: null,
    rounds: null,
    error: null,
    errorType: null,
    expectedVersion: null,
    currentVersion: null,
    conflictId: null,
    subject: batch.subject,
    requestId: batch.requestId,
    traceId: trace["traceparent"]?.split("-")[1] ?? null,
    acceptedAtMs: batch.acceptedAtMs,
    ...recorded,
  };
}

/** The unit that takes effect together; a fold never crosses its edge. */
function unitOf({ batch, operation }: Case): string | undefined {
  return batch.atomic ? batch.batchId : operation.group && `${batch.batchId}/${operation.group}`;
}

/**
 * Fails a group that contains an operation which is still being merged from an earlier batch, because a group
 * cannot wait.
 */
function stillMerging(operation: AcceptedOperation): Answer {
  return unrecorded(operation, {
    status: "conflict",
    error: "This operation is still being merged",
    error_type: "behind_conflict",
  });
}

function reusedClientId(operation: AcceptedOperation): Answer {
  return unrecorded(operation, {
    status: "error",
    error: "This client_id was already used with different content",
    error_type: "client_id_reused",
  });
}

function expired(operation: AcceptedOperation): Answer {
  return unrecorded(operation, {
    status: "error",
    error:
      "This client_id is older than the ledger, which no longer knows whether it was applied. Send the operation under a new client_id",
    error_type: "client_id_expired",
  });
}

export function skip(operation: AcceptedOperation): Answer {
  return unrecorded(operation, { status: "skipped", error: "Another operation of its group failed" });
}

/** An answer for this batch only, which the ledger does not keep. */
function unrecorded(
  { clientId, documentId }: AcceptedOperation,
  outcome: Omit<OperationResult, "client_id" | "document_id">,
): Answer {
  return { kind: "unrecorded", result: { client_id: clientId, document_id: documentId, ...outcome } };
}

export function statusOf(answer: Answer): OperationResult["status"] {
  return answer.kind === "ledger" ? answer.draft.row.status : answer.result.status;
}
