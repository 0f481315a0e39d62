import type { ErrorType } from "../errors/operation-errors.ts";
import type { ConflictStrategy } from "../protocol/batch.ts";
import type { AcceptedOperation, DecisionChoice } from "../protocol/lane-entry.ts";
import type { OperationKind } from "../protocol/operation.ts";

/** A row of the ledger; `pending` until its conflict is resolved. */
export interface LedgerRow {
  workspaceId: string;
  deviceId: string;
  clientId: string;
  batchId: string;
  fingerprint: string;
  operation: OperationKind;
  collection: string;
  documentId: string;
  status: "success" | "conflict" | "error" | "pending";
  version: number | null;
  seq: number | null;
  merged: boolean;
  /** The choice of the person whose decision resolved it. */
  decided: DecisionChoice | null;
  overlapCount: number | null;
  rounds: number | null;
  error: string | null;
  errorType: ErrorType | null;
  expectedVersion: number | null;
  currentVersion: number | null;
  conflictId: string | null;
  subject: string;
  requestId: string;
  traceId: string | null;
  acceptedAtMs: number;
}

/** The operation as sent, with the fields of its batch. The ledger keeps it for an `error` that can be sent again. */
export interface OperationContent {
  operation: AcceptedOperation;
  deviceDeclared: boolean;
  onConflict?: ConflictStrategy;
  epoch?: string;
}
