import {
  type DecisionChoice,
  type EditTimes,
  type JsonObject,
  type LedgerRow,
  type OperationResult,
  type BatchId,
  type ClientId,
  type CollectionName,
  type ConflictId,
  type DeviceId,
  type DocumentId,
  type Seq,
  type Version,
  type WorkspaceId,
} from "@syncline/shared";
import type {
  ConflictDocuments,
  ConflictState,
  DocumentState,
  HistoryKey,
  NewlyHeld,
} from "./window-state.ts";

/** A workspace that the window commits to. */
export interface WorkspaceWrite {
  workspaceId: WorkspaceId;
  /** The revision the plan was made on; the commit fails if it has moved. */
  expectedRevision: number;
  /** The change counter after the window. */
  seq: Seq;
}

export interface DocumentWrite extends DocumentState {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  seq: Seq;
}

export interface ChangeWrite {
  workspaceId: WorkspaceId;
  seq: Seq;
  collection: CollectionName;
  documentId: DocumentId;
  /** The first of the versions that it folds; `version` is the last. */
  firstVersion: number;
  version: Version;
  data: JsonObject | null;
  /** Of a deletion that is folded with what it deletes: that. */
  ended: JsonObject | null;
  /** The seq of the last change of its group, which readers are given together; `null` outside of one. */
  groupEndSeq: number | null;
  /** `null` where the writer declared no device. */
  deviceId: DeviceId | null;
  clientTimestampMs: number | null;
  /** The times of its edits, by place; `null`: all places that differ from the change before, at {@link clientTimestampMs}. */
  editTimes: EditTimes | null;
}

/** A ledger row, with what was sent where that may be tried again. */
export interface LedgerWrite extends LedgerRow {
  /** An `OperationContent` as text: Postgres must take it, whatever it would not take as a document. */
  content?: string;
}

export interface BatchWrite {
  workspaceId: WorkspaceId;
  batchId: BatchId;
  deviceId: DeviceId;
  subject: string;
  atomic: boolean;
  results: OperationResult[];
  acceptedAtMs: number;
}

/** A conflict's record. What is left out of its documents stays as it was, or is `null` in a new one. */
export interface ConflictWrite extends ConflictState, Partial<ConflictDocuments> {}

/** What a person decided, and what that wrote over. */
export interface DecisionWrite {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  /** As its record's: the workspace's revision that this commit makes. */
  revision: number;
  choice: DecisionChoice;
  subject: string;
  clientId: ClientId;
  decidedAtMs: number;
  replacedVersion: number;
  /** `null` where nothing was written, or no document was there. */
  replaced: JsonObject | null;
  version: Version;
}

/** An operation that goes behind a conflict. */
export interface HeldWrite extends NewlyHeld {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  place: number;
}

/** One that goes from behind a conflict to the one that follows it. */
export interface HeldMove {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  place: number;
  toConflictId: string;
  toPlace: number;
}

/** A round that the conflict service is to run. */
export interface ConflictRound {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  round: number;
  trace: Record<string, string>;
}

/** The answer to a batch, for the ingest process that took it. */
export interface BatchReply {
  workspaceId: WorkspaceId;
  replyTo: string;
  batchId: BatchId;
  results: OperationResult[];
}

/** The final answer to an operation that was `pending`, for whoever still waits for it. */
export interface SettledReply {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
  /** The batch that brought it first: in any other its answer is a replay. */
  batchId: BatchId;
  result: OperationResult;
}

/** What one transaction writes, and what is told and started once it has committed. */
export interface WindowPlan {
  workspaces: WorkspaceWrite[];
  documents: DocumentWrite[];
  changes: ChangeWrite[];
  ledgerRows: LedgerWrite[];
  batches: BatchWrite[];
  conflicts: ConflictWrite[];
  decisions: DecisionWrite[];
  heldMoves: HeldMove[];
  heldWrites: HeldWrite[];
  replies: BatchReply[];
  settled: SettledReply[];
  rounds: ConflictRound[];
  /** What was not read and should have been: where there is any, the plan is no good, and is to be made once more. */
  missingHistory: HistoryKey[];
  /** For metrics: operations that were applied, and the writes they were folded into. */
  operationsApplied: number;
  /** For metrics: the rounds of each merge that came to its end. */
  roundsTaken: number[];
}
