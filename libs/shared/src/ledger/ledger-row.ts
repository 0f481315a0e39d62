import type { OperationKind } from "../protocol/operation.ts";

/** A row of the ledger. `pending` until the conflict it belongs to is settled. */
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
  overlapCount: number | null;
  rounds: number | null;
  error: string | null;
  errorType: string | null;
  expectedVersion: number | null;
  currentVersion: number | null;
  conflictId: string | null;
  subject: string;
  requestId: string;
  traceId: string | null;
  acceptedAtMs: number;
}
