import type {
  BatchId,
  ClientId,
  CollectionName,
  ConflictId,
  DeviceId,
  DocumentId,
  Seq,
  Version,
  WorkspaceId,
} from "../ids/ids.ts";
import type { ErrorType } from "./operation-errors.ts";
import type { ConflictStrategy } from "../merge/conflict-strategy.ts";
import type { AcceptedOperation, DecisionChoice } from "./lane-entry.ts";
import type { OperationKind } from "./operation-kind.ts";

export const LEDGER_STATUSES = ["success", "conflict", "error", "skipped", "pending"] as const;
/** The recorded status of an operation. A `skipped` operation is evaluated anew when its group comes again. */
export type LedgerStatus = (typeof LEDGER_STATUSES)[number];

/** The statuses of a conflict that an operation can meet. A resolved one is met by no operation. */
export const MET_STATUSES = ["open", "parked", "reported"] as const;
export type MetStatus = (typeof MET_STATUSES)[number];

/** A row of the ledger; `pending` until its conflict is resolved. */
export interface LedgerRow {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
  clientId: ClientId;
  batchId: BatchId;
  fingerprint: string;
  operation: OperationKind;
  collection: CollectionName;
  documentId: DocumentId;
  status: LedgerStatus;
  version: Version | null;
  seq: Seq | null;
  merged: boolean;
  /** The choice of the person whose decision resolved it. */
  decided: DecisionChoice | null;
  overlapCount: number | null;
  rounds: number | null;
  error: string | null;
  errorType: ErrorType | null;
  expectedVersion: Version | null;
  currentVersion: Version | null;
  conflictId: ConflictId | null;
  /** The status of that conflict at the answer `conflict`, if the answer names a record. */
  conflictStatus: MetStatus | null;
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
