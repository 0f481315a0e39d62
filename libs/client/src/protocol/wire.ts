import type { Json, JsonObject, JsonPatchStep } from "@syncline/shared/document";
import type { ConflictStrategy, Overlap } from "@syncline/shared/merge";
import type {
  BatchFeed,
  BatchResult,
  ChangesBody,
  ConflictId,
  DecisionChoice,
  DocumentBody,
  OperationResult,
  Priority,
  SentOperationBody,
  Seq,
  SnapshotTail,
} from "@syncline/shared/protocol";

interface OperationCommon {
  client_id: string;
  collection?: string;
  expected_version?: number;
  /** The client's clock, milliseconds since 1970. */
  timestamp?: number;
  priority?: Priority;
  /** Operations of one group take effect together or not at all. */
  group?: string;
  /** The document at `expected_version`, in case history no longer has it. */
  ancestor?: JsonObject;
}

/** One operation of a batch. */
export type OperationBody =
  | ({ operation: "create"; document_id?: string; data: JsonObject } & OperationCommon)
  | ({ operation: "put"; document_id: string; data: JsonObject } & OperationCommon)
  | ({ operation: "update"; document_id: string; data: JsonObject } & OperationCommon)
  | ({ operation: "update"; document_id: string; patch: JsonPatchStep[] } & OperationCommon)
  | ({ operation: "delete"; document_id: string } & OperationCommon);

/** The body of a batch. */
export interface BatchBody {
  workspace_id: string;
  device_id?: string;
  atomic?: boolean;
  on_conflict?: ConflictStrategy;
  /** The epoch that the batch's expected versions belong to. */
  epoch?: string;
  operations: OperationBody[];
}

/** A batch's results, and how it was answered. */
export interface BatchAnswer extends BatchResult, BatchFeed {
  /** Lead of the device's clock over the server's. */
  clock_skew_ms?: number;
  /** The batch's address while results are pending: its answer was 202. */
  location?: string;
}

/** A page of a snapshot, whole. */
export interface SnapshotPage {
  epoch: string;
  /** The feed continues from here. */
  seq: Seq;
  /** The number of documents of the whole snapshot, on the first page, unless they are too many to count. */
  count?: number;
  documents: DocumentBody[];
  /** The `after` of the next page; `null` on the last one. */
  next: string | null;
  ended?: SnapshotTail["ended"];
}

/** A conflict record, as the listing and the event stream show it. */
export interface ConflictSummary {
  conflict_id: ConflictId;
  collection: string;
  document_id: string;
  device_id: string;
  status: "open" | "parked" | "reported" | "resolved";
  strategy: ConflictStrategy;
  round: number;
  base_version: number | null;
  current_version: number;
  resolved_version: number | null;
  resolved_seq: number | null;
  reason: string | null;
  operation_count: number;
  opened_at: string;
  updated_at: string;
}

/** A page of conflicts, newest first. */
export interface ConflictsBody {
  conflicts: ConflictSummary[];
  /** The `before` of the next page. */
  next: string | null;
  more: boolean;
}

/** The three documents of a conflict. */
export interface ConflictSides {
  /** The document's current version, which a decision names as `expected_version`. */
  version: number;
  ancestor: JsonObject | null;
  remote: JsonObject | null;
  local: JsonObject | null;
  too_costly?: true;
}

/** A whole conflict record. */
export interface ConflictBody extends Omit<ConflictSummary, "operation_count" | "round">, ConflictSides {
  hook: string | null;
  round: number;
  operations: (SentOperationBody & { batch_id: string })[];
  result: JsonObject | null;
  overlaps: Overlap[] | null;
  two_way: boolean | null;
  decisions: Json[];
  resolved_at: string | null;
}

/** A possible result of a conflict; `null` deletes the document. */
export interface ConflictOption {
  document: JsonObject | null;
  overlaps: Overlap[];
  /** The reason for which a strategy leaves the conflict to a person. */
  reason?: string | null;
}

/** A conflict with the results of its choices and of every strategy on the current document. */
export interface ConflictPreviewBody extends ConflictSides {
  conflict_id: string;
  status: ConflictSummary["status"];
  choices: { server: ConflictOption | null; local: ConflictOption | null; merged: ConflictOption | null };
  strategies: Record<Exclude<ConflictStrategy, "report">, ConflictOption> | null;
}

/** A person's decision on a conflict. */
export interface DecisionBody {
  choice: DecisionChoice;
  /** The document of the choice `data`; `null` deletes it. */
  data?: JsonObject | null;
  /** The version that the person saw. */
  expected_version?: number;
  client_id?: string;
}

/** The life of an operation, for people. */
export interface OperationLifeBody {
  client_id: string;
  device_id: string;
  batch_id: string;
  document_id: string | null;
  status: OperationResult["status"];
  result: OperationResult;
  conflict_id: string | null;
  trace_id: string | null;
  accepted_at: string;
  settled_at: string | null;
  rounds: number | null;
  held_behind: string | null;
}

export type { ChangesBody, DocumentBody };
