import {
  documentKey,
  mergeRun,
  type AcceptedBatch,
  type AcceptedOperation,
  type ConflictStrategy,
  type JsonObject,
  type LedgerRow,
  type MergeOutcome,
  type OperationContent,
  type OperationResult,
} from "@syncline/shared";
import { isExpired } from "./is-expired.ts";
import { judgeOperation, type Judgement } from "./judge-operation.ts";
import type { LedgerDraft, WindowDraft } from "./window-draft.ts";
import type { ConflictRound, LedgerWrite } from "./window-plan.ts";
import { operationPlace } from "./window-places.ts";
import { writeMerge } from "./write-merge.ts";
import type { ConflictState, NewlyHeld, WindowState } from "./window-state.ts";

/** What planning takes from outside, so that it stays pure. */
export interface PlanDeps {
  /** Makes a UUIDv7. */
  newId: () => string;
  /** How long the ledger remembers an operation; without it for ever. */
  ledgerRetentionMs?: number | undefined;
  /** What is not to be judged but refused, with the reason, by {@link operationPlace} or {@link resolutionPlace}. */
  refusals?: ReadonlyMap<string, string>;
}

/** The answer to one operation of a batch: in the ledger, or of this batch alone. */
export type Answer =
  | {
      kind: "ledger";
      draft: LedgerDraft;
      replayed: boolean;
      /** Puts back what stays of a failure when its group is taken back. */
      restore?: () => void;
    }
  | { kind: "unrecorded"; result: OperationResult };

/** One operation, with everything that its answer depends on. */
export interface Case {
  batch: AcceptedBatch;
  operation: AcceptedOperation;
  /** Where its batch lies on the lane, and how far the lane had been answered when it was accepted. */
  entryId: string;
  answeredId: string;
  trace: Record<string, string>;
  state: WindowState;
  draft: WindowDraft;
  deps: PlanDeps;
  grouped: boolean;
}

export function answerOperation(on: Case, rounds: ConflictRound[]): Answer {
  const { batch, operation, draft, state, deps } = on;
  const known = recall(batch, operation, draft);
  if (known !== undefined) {
    return on.grouped && statusOf(known) === "pending" ? stillMerging(operation) : known;
  }
  const expires = operation.replay === undefined;
  if (expires && isExpired(operation.clientId, batch.acceptedAtMs, deps.ledgerRetentionMs)) {
    return expired(operation);
  }
  const refusal = deps.refusals?.get(operationPlace(batch.batchId, operation.position));
  if (refusal !== undefined) return fail(on, "operation_refused", refusal);

  const document = draft.document(batch.workspaceId, operation.collection, operation.documentId);
  const key = documentKey(batch.workspaceId, operation.collection, operation.documentId);
  const behind =
    draft.unsettledConflict(batch.deviceId, key) ??
    draft.refusingConflict(batch.deviceId, key, on.answeredId);
  if (behind !== undefined) return stayBehind(on, behind);

  const versionsKnown = batch.epoch === undefined || batch.epoch === state.epoch;
  const { deviceId, deviceDeclared } = batch;
  const judgement = judgeOperation(operation, document, { deviceId, deviceDeclared, versionsKnown });
  switch (judgement.kind) {
    case "nothing":
      return record(on, { status: "success", version: document?.version ?? 0 });
    case "error":
      return fail(on, judgement.errorType, judgement.message);
    case "write": {
      const { change, version } = draft.write({
        workspaceId: batch.workspaceId,
        collection: operation.collection,
        documentId: operation.documentId,
        data: judgement.document,
        deviceId,
        deviceDeclared,
        clientTimestampMs: operation.timestampMs ?? null,
        unit: unitOf(on),
        operations: 1,
      });
      const row = ledgerRow(on, { status: "success", version });
      const ledgerDraft = { row, change };
      draft.record(ledgerDraft);
      return { kind: "ledger", draft: ledgerDraft, replayed: false };
    }
    case "conflict":
      return collide(on, judgement, rounds);
    default:
      return judgement satisfies never;
  }
}

/** The answer that an operation had before, or that its `client_id` was used for another one. */
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

type Collision = Extract<Judgement, { kind: "conflict" }>;
type Mismatch = Pick<LedgerRow, "error" | "errorType" | "expectedVersion" | "currentVersion">;

/** A conflict is merged by the conflict service; that of a group at once, or not at all, because a group cannot wait. */
function collide(on: Case, judgement: Collision, rounds: ConflictRound[]): Answer {
  const { batch, operation, draft } = on;
  const document = draft.document(batch.workspaceId, operation.collection, operation.documentId);
  const currentVersion = document?.version ?? 0;
  const mismatch: Mismatch = {
    error: judgement.reason,
    errorType: judgement.reasonType,
    expectedVersion: operation.expectedVersion ?? null,
    currentVersion,
  };
  const strategy = batch.onConflict ?? (on.grouped ? "report" : "merge");
  const conflict = newConflict(on, originOf(on, judgement.baseVersion), currentVersion, strategy);
  if (strategy === "report") return report(on, conflict, mismatch);
  if (on.grouped) return mergeAtOnce(on, conflict, mismatch);

  draft.openConflict(conflict, [heldOf(on)]);
  const { workspaceId, conflictId } = conflict;
  rounds.push({ workspaceId, conflictId, round: 1, trace: on.trace });
  return record(on, { status: "pending", conflictId, ...mismatch });
}

/** Merges an operation of a group where it stands. What would wait for a person fails the group. */
function mergeAtOnce(on: Case, conflict: ConflictState, mismatch: Mismatch): Answer {
  const { batch, operation, draft } = on;
  const { workspaceId, collection, documentId, conflictId, baseVersion } = conflict;
  const current = draft.document(workspaceId, collection, documentId);
  const historic =
    conflict.deviceView !== null || baseVersion === null
      ? null
      : draft.historic({ workspaceId, collection, documentId, version: baseVersion });
  const { inputs, outcome } = mergeRun(
    conflict.strategy,
    { ...conflict, operations: [operation] },
    historic,
    {
      data: current?.data ?? null,
      timestampMs: current?.clientTimestampMs ?? null,
    },
  );
  if (outcome.kind === "park") return report(on, withOverlaps(conflict, outcome), mismatch);
  const [refused] = outcome.refused;
  if (refused !== undefined) return fail(on, refused.errorType, refused.message);

  const { change, version } = writeMerge(draft, {
    workspaceId,
    collection,
    documentId,
    data: outcome.document,
    deviceId: batch.deviceId,
    deviceDeclared: batch.deviceDeclared,
    clientTimestampMs: operation.timestampMs ?? null,
    unit: unitOf(on),
    operations: 1,
  });
  draft.openConflict(
    {
      ...conflict,
      status: "resolved",
      round: 0,
      localView: inputs.local,
      result: outcome.document,
      overlapList: outcome.overlaps,
      twoWay: outcome.twoWay,
      resolvedVersion: version,
    },
    [heldOf(on)],
  );
  const row = ledgerRow(on, {
    status: "success",
    version,
    merged: true,
    overlapCount: outcome.overlaps.length,
    rounds: 0,
    conflictId,
  });
  const ledgerDraft = { row, change };
  draft.record(ledgerDraft);
  return { kind: "ledger", draft: ledgerDraft, replayed: false };
}

function withOverlaps(
  conflict: ConflictState,
  { proposed, overlaps, reason }: Extract<MergeOutcome, { kind: "park" }>,
): ConflictState {
  return { ...conflict, result: proposed, overlapList: overlaps, reason };
}

/** The device is told, and decides by itself. */
function report(on: Case, given: ConflictState, mismatch: Mismatch): Answer {
  const held = heldOf(on);
  const conflict: ConflictState = { ...given, status: "reported", refusedEntryId: on.entryId };
  return record(on, { status: "conflict", conflictId: conflict.conflictId, ...mismatch }, () =>
    on.draft.openConflict(conflict, [held]),
  );
}

/** What a device started from when it made an operation that is now in conflict. */
interface Origin {
  baseVersion: number | null;
  deviceView: JsonObject | null;
}

/**
 * An operation made before its device heard of the merge of an earlier one is stacked on that one: the device saw its
 * own run, not what the server had. Were it replayed on the version that it names, it would undo the run, or hit another
 * row than the one that was meant.
 */
function originOf({ batch, operation, draft }: Case, baseVersion: number | null): Origin {
  const document = documentKey(batch.workspaceId, operation.collection, operation.documentId);
  const resolved = draft.lastResolvedConflict(batch.deviceId, document);
  const { baseVersion: resolvedBase = null, resolvedVersion = null } = resolved ?? {};
  if (resolved === undefined || baseVersion === null || resolvedBase === null || resolvedVersion === null) {
    return { baseVersion, deviceView: null };
  }
  if (baseVersion < resolvedBase || baseVersion >= resolvedVersion) return { baseVersion, deviceView: null };
  if (baseVersion === resolvedBase) return { baseVersion, deviceView: resolved.localView ?? {} };
  // It had a newer version by then, and its own run on top: what the merge came to is the nearest to that.
  return { baseVersion: resolvedVersion, deviceView: null };
}

function newConflict(
  on: Case,
  { baseVersion, deviceView }: Origin,
  currentVersion: number,
  strategy: ConflictStrategy,
): ConflictState {
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
    round: 1,
    baseVersion,
    currentVersion,
    ancestor: operation.ancestor ?? null,
    deviceView,
    localView: null,
    operationCount: 1,
    operationBytes: 0,
    result: null,
    overlapList: null,
    twoWay: null,
    reason: null,
    resolvedVersion: null,
    resolvedSeq: null,
    refusedEntryId: null,
    trace: on.trace,
  };
}

function heldOf({ batch, operation }: Case): NewlyHeld {
  return { batchId: batch.batchId, operation };
}

/** An operation never overtakes the device's own conflict on its document: it waits with it, or is refused with it. */
function stayBehind(on: Case, behind: ConflictState): Answer {
  const { operation, draft, entryId } = on;
  const isReported = behind.status === "reported";
  const conflict = isReported ? { ...behind, refusedEntryId: entryId } : behind;
  const { conflictId, currentVersion } = conflict;
  const mismatch = { conflictId, currentVersion, expectedVersion: operation.expectedVersion ?? null };
  const error = isReported
    ? "The device sent this before it heard of its conflict on this document"
    : "The device has an unsettled conflict on this document";
  const refused: Recorded = { status: "conflict", error, errorType: "behind_conflict", ...mismatch };
  if (on.grouped) return record(on, refused, isReported ? () => draft.updateConflict(conflict) : undefined);
  const hold = () => draft.hold(conflict, heldOf(on));
  return record(on, conflict.status === "open" ? { status: "pending", ...mismatch } : refused, hold);
}

type Recorded = Pick<LedgerWrite, "status"> & Partial<LedgerWrite>;

/** Records an operation that wrote no document, and what else is to be noted of it. */
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

/** Records an operation that is itself at fault, with its content: it can be tried again once the cause is gone. */
function fail(on: Case, errorType: string, error: string): Answer {
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

/** A fold never crosses the edge of what stands or falls together. */
function unitOf({ batch, operation }: Case): string | undefined {
  return batch.atomic ? batch.batchId : operation.group && `${batch.batchId}/${operation.group}`;
}

/** A group cannot wait: an operation of it that is still being merged from an earlier batch fails it. */
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
    error: "This client_id was used before with another content",
    error_type: "client_id_reused",
  });
}

function expired(operation: AcceptedOperation): Answer {
  return unrecorded(operation, {
    status: "error",
    error:
      "This client_id is older than the ledger: nobody knows whether it was applied before. Send it under a new one",
    error_type: "client_id_expired",
  });
}

export function skip(operation: AcceptedOperation): Answer {
  return unrecorded(operation, { status: "skipped", error: "Another operation of its group failed" });
}

/** An answer of this batch alone, which the ledger does not keep. */
function unrecorded(
  { clientId, documentId }: AcceptedOperation,
  outcome: Omit<OperationResult, "client_id" | "document_id">,
): Answer {
  return { kind: "unrecorded", result: { client_id: clientId, document_id: documentId, ...outcome } };
}

export function statusOf(answer: Answer): OperationResult["status"] {
  return answer.kind === "ledger" ? answer.draft.row.status : answer.result.status;
}
