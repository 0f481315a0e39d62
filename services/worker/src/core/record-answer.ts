import type {
  AcceptedBatch,
  AcceptedOperation,
  ErrorType,
  OperationContent,
} from "@syncline/shared/protocol";
import { SKIPPED, type Answer } from "./answer.ts";
import type { Case } from "./case.ts";
import type { ChangeDraft } from "./change-draft.ts";
import type { LedgerWrite } from "./window-plan.ts";

type Outcome = Pick<LedgerWrite, "status"> & Partial<LedgerWrite>;

/** Records an operation with the change that contains it. */
export function recordWritten(on: Case, outcome: Outcome, change: ChangeDraft | null): Answer {
  const draft = { row: rowOf(on, outcome), change };
  on.draft.ledger.record(draft);
  return { kind: "ledger", draft, replayed: false };
}

/** Records an operation that wrote no document, and runs an optional further update. */
export function recordUnwritten(on: Case, outcome: Outcome, update?: () => void): Answer {
  const { documents, ledger } = on.draft;
  const draft = { row: rowOf(on, outcome), change: null };
  const restore = () => {
    documents.endFold(draft.row);
    ledger.record(draft);
    update?.();
  };
  restore();
  return { kind: "ledger", draft, replayed: false, restore };
}

/** Records a failing operation with its content, so that it can be tried again once the cause is gone. */
export function fail(on: Case, errorType: ErrorType, error: string): Answer {
  const { batch, operation, grouped } = on;
  const { deviceDeclared, onConflict, epoch } = batch;
  const content: OperationContent = {
    operation,
    deviceDeclared,
    ...(onConflict === undefined ? {} : { onConflict }),
    ...(epoch === undefined ? {} : { epoch }),
  };
  // A group's operations cannot take effect one by one.
  return recordUnwritten(on, {
    status: "error",
    errorType,
    error,
    ...(!grouped && { content: JSON.stringify(content) }),
  });
}

/** Records an operation of a group that failed, so that it cannot take effect later without its group. */
export function recordSkipped(on: Case): Answer {
  const fingerprint = fingerprintInGroup(on.batch, on.operation);
  const draft = { row: rowOf(on, { status: "skipped", error: SKIPPED, fingerprint }), change: null };
  on.draft.ledger.record(draft);
  return { kind: "ledger", draft, replayed: false };
}

/** The fingerprint of a skipped operation: its content and the name of its group, which an atomic batch has not. */
export function fingerprintInGroup(
  { atomic }: Pick<AcceptedBatch, "atomic">,
  { fingerprint, group }: Pick<AcceptedOperation, "fingerprint" | "group">,
): string {
  return JSON.stringify([fingerprint, atomic ? true : (group ?? null)]);
}

function rowOf({ batch, operation, trace }: Case, outcome: Outcome): LedgerWrite {
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
    conflictStatus: null,
    subject: batch.subject,
    requestId: batch.requestId,
    traceId: trace["traceparent"]?.split("-")[1] ?? null,
    acceptedAtMs: batch.acceptedAtMs,
    ...outcome,
  };
}
