import type { DocumentData, JsonObject } from "@syncline/shared/document";
import type { EditTimes } from "@syncline/shared/merge";
import type {
  DecisionChoice,
  LedgerRow,
  OperationResult,
  BatchId,
  ClientId,
  CollectionName,
  ConflictId,
  DeviceId,
  DocumentId,
  Seq,
  Version,
  WorkspaceId,
} from "@syncline/shared/protocol";
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
  /** The revision that the plan was made on; the commit fails if it has moved. */
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
  data: DocumentData | null;
  /** For a deletion folded with the document that it deletes: that document. */
  ended: DocumentData | null;
  /** The seq of the last change of its group, which readers get together; `null` outside a group. */
  groupEndSeq: number | null;
  /** `null` if the writer declared no device. */
  deviceId: DeviceId | null;
  clientTimestampMs: number | null;
  /** The times of its edits, by place; `null`: all places that differ from the change before, at {@link clientTimestampMs}. */
  editTimes: EditTimes | null;
}

/** A ledger row, with the operation's content if it may be tried again. */
export interface LedgerWrite extends LedgerRow {
  /** An `OperationContent` as text, because Postgres might refuse its values as JSON. */
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

/** A conflict's record. Documents that are left out stay as they were, or are `null` in a new record. */
export interface ConflictWrite extends ConflictState, Partial<ConflictDocuments> {}

/** A person's decision, and the state that it replaced. */
export interface DecisionWrite {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  /** The same as its record's: the workspace's revision that this commit makes. */
  revision: number;
  choice: DecisionChoice;
  subject: string;
  clientId: ClientId;
  decidedAtMs: number;
  replacedVersion: number;
  /** `null` if no change was written, or there was no document. */
  replaced: JsonObject | null;
  version: Version;
}

/** An operation to be held behind a conflict. */
export interface HeldWrite extends NewlyHeld {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  place: number;
}

/** A held operation that moves from one conflict to the next. */
export interface HeldMove {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  place: number;
  toConflictId: string;
  toPlace: number;
}

/** A round to be run by the conflict service. */
export interface ConflictRound {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  round: number;
  trace: Record<string, string>;
}

/** The results of a batch, for the ingest process that accepted it. */
export interface BatchReply {
  workspaceId: WorkspaceId;
  replyTo: string;
  batchId: BatchId;
  results: OperationResult[];
}

/** The final result of an operation that was `pending`, for waiting requests. */
export interface SettledReply {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
  /** The batch that first contained it; in any other its result is a replay. */
  batchId: BatchId;
  result: OperationResult;
}

/** The writes of one transaction, and the notifications and jobs that follow its commit. */
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
  /** History that has to be read first; unless empty, the plan is invalid and must be made again. */
  missingHistory: HistoryKey[];
  /** For metrics: operations that were applied, and the writes they were folded into. */
  operationsApplied: number;
  /** For metrics: the rounds of each completed merge. */
  roundsTaken: number[];
}
