import { type JsonObject, type OperationResult, type LedgerRow } from "@syncline/shared";
import type { ConflictState, DocumentState } from "./window-state.ts";

/** A workspace that the window commits to. */
export interface WorkspaceWrite {
  workspaceId: string;
  /** The revision the plan was made on; the commit fails if it has moved. */
  expectedRevision: number;
  /** The change counter after the window. */
  seq: number;
}

export interface DocumentWrite extends DocumentState {
  workspaceId: string;
  collection: string;
  documentId: string;
  seq: number;
}

export interface ChangeWrite {
  workspaceId: string;
  seq: number;
  collection: string;
  documentId: string;
  /** The first of the versions that it folds; `version` is the last. */
  firstVersion: number;
  version: number;
  data: JsonObject | null;
  /** `null` where the writer declared no device. */
  deviceId: string | null;
  clientTimestampMs: number | null;
}

export interface BatchWrite {
  workspaceId: string;
  batchId: string;
  deviceId: string;
  subject: string;
  atomic: boolean;
  results: OperationResult[];
  acceptedAtMs: number;
}

/** A round that the conflict service is to run. */
export interface ConflictRound {
  workspaceId: string;
  conflictId: string;
  round: number;
  trace: Record<string, string>;
}

/** The answer to a batch, for the ingest process that took it. */
export interface BatchReply {
  replyTo: string;
  batchId: string;
  results: OperationResult[];
}

/** The final answer to an operation that was `pending`, for whoever still waits for it. */
export interface SettledReply {
  workspaceId: string;
  deviceId: string;
  result: OperationResult;
}

/** What one transaction writes, and what is told and started once it has committed. */
export interface WindowPlan {
  workspaces: WorkspaceWrite[];
  documents: DocumentWrite[];
  changes: ChangeWrite[];
  ledgerRows: LedgerRow[];
  batches: BatchWrite[];
  conflicts: ConflictState[];
  replies: BatchReply[];
  settled: SettledReply[];
  rounds: ConflictRound[];
  /** For metrics: operations that were applied, and the writes they were folded into. */
  operationsApplied: number;
}
