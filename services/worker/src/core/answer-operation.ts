import {
  documentKey,
  type AcceptedBatch,
  type AcceptedOperation,
  type ConflictStrategy,
  type JsonObject,
  type LedgerRow,
  type OperationResult,
} from "@syncline/shared";
import { judgeOperation } from "./judge-operation.ts";
import type { LedgerDraft, WindowDraft } from "./window-draft.ts";
import type { ConflictRound } from "./window-plan.ts";
import { operationPlace } from "./window-places.ts";
import type { ConflictState, WindowState } from "./window-state.ts";

/** What planning takes from outside, so that it stays pure. */
export interface PlanDeps {
  /** Makes a UUIDv7. */
  newId: () => string;
  /** What is not to be judged but refused, with the reason, by {@link operationPlace} or {@link resolutionPlace}. */
  refusals?: ReadonlyMap<string, string>;
}

/** The answer to one operation of a batch: in the ledger, or of this batch alone. */
export type Answer =
  { kind: "ledger"; draft: LedgerDraft; replayed: boolean } | { kind: "unrecorded"; result: OperationResult };

/** One operation, with everything that its answer depends on. */
export interface Case {
  batch: AcceptedBatch;
  operation: AcceptedOperation;
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
  const refusal = deps.refusals?.get(operationPlace(batch.batchId, operation.position));
  if (refusal !== undefined) {
    return record(on, { status: "error", errorType: "operation_refused", error: refusal });
  }

  const document = draft.document(batch.workspaceId, operation.collection, operation.documentId);
  const key = documentKey(batch.workspaceId, operation.collection, operation.documentId);
  const behind = draft.unsettledConflict(batch.deviceId, key);
  if (behind !== undefined) return hold(on, behind);

  const versionsKnown = batch.epoch === undefined || batch.epoch === state.epoch;
  const { deviceId, deviceDeclared } = batch;
  const judgement = judgeOperation(operation, document, { deviceId, deviceDeclared, versionsKnown });
  switch (judgement.kind) {
    case "nothing":
      return record(on, { status: "success", version: document?.version ?? 0 });
    case "error":
      return record(on, { status: "error", errorType: judgement.errorType, error: judgement.message });
    case "write": {
      const { change, version } = draft.write({
        workspaceId: batch.workspaceId,
        collection: operation.collection,
        documentId: operation.documentId,
        data: judgement.document,
        deviceId,
        deviceDeclared,
        clientTimestampMs: operation.timestampMs ?? null,
        unit: batch.atomic ? batch.batchId : operation.group && `${batch.batchId}/${operation.group}`,
        operations: 1,
      });
      const row = ledgerRow(on, { status: "success", version });
      const ledgerDraft = { row, change };
      draft.record(ledgerDraft);
      return { kind: "ledger", draft: ledgerDraft, replayed: false };
    }
    case "conflict": {
      const currentVersion = document?.version ?? 0;
      const mismatch = {
        error: judgement.reason,
        errorType: judgement.reasonType,
        expectedVersion: operation.expectedVersion ?? null,
        currentVersion,
      };
      if (on.grouped) return record(on, { status: "conflict", ...mismatch });
      const strategy = batch.onConflict ?? "merge";
      const origin = originOf(on, judgement.baseVersion, key);
      const conflict = openConflict(on, origin, currentVersion, strategy);
      draft.openConflict(conflict);
      const { conflictId } = conflict;
      if (strategy === "report") return record(on, { status: "conflict", conflictId, ...mismatch });
      rounds.push({ workspaceId: batch.workspaceId, conflictId, round: 1, trace: on.trace });
      return record(on, { status: "pending", conflictId, ...mismatch });
    }
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
  return { kind: "ledger", draft: known, replayed: known.row.batchId !== batch.batchId };
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
function originOf({ batch, draft }: Case, baseVersion: number | null, document: string): Origin {
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

function openConflict(
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
    status: strategy === "report" ? "reported" : "open",
    strategy,
    round: 1,
    baseVersion,
    currentVersion,
    ancestor: operation.ancestor ?? null,
    deviceView,
    localView: null,
    operations: [{ ...operation, batchId: batch.batchId }],
    result: null,
    overlapList: null,
    twoWay: null,
    reason: null,
    resolvedVersion: null,
    resolvedSeq: null,
    trace: on.trace,
  };
}

/** An operation never overtakes the device's own conflict on its document: it waits with it, or is refused with it. */
function hold(on: Case, conflict: ConflictState): Answer {
  const { operation, draft, batch } = on;
  const { conflictId, currentVersion } = conflict;
  const mismatch = { conflictId, currentVersion, expectedVersion: operation.expectedVersion ?? null };
  const error = `The device has an unsettled conflict on this document`;
  if (on.grouped) return record(on, { status: "conflict", error, errorType: "behind_conflict", ...mismatch });
  draft.updateConflict({
    ...conflict,
    operations: [...conflict.operations, { ...operation, batchId: batch.batchId }],
  });
  if (conflict.status === "open") return record(on, { status: "pending", ...mismatch });
  return record(on, { status: "conflict", error, errorType: "behind_conflict", ...mismatch });
}

type Recorded = Pick<LedgerRow, "status"> & Partial<LedgerRow>;

/** Records an operation that wrote nothing. */
function record(on: Case, recorded: Recorded): Answer {
  on.draft.endRun(on.batch.workspaceId, on.batch.deviceId);
  const draft = { row: ledgerRow(on, recorded), change: null };
  on.draft.record(draft);
  return { kind: "ledger", draft, replayed: false };
}

function ledgerRow({ batch, operation, trace }: Case, recorded: Recorded): LedgerRow {
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
