import type {
  BatchId,
  ClientId,
  CollectionName,
  ConflictId,
  DeviceId,
  DocumentId,
  Version,
  WorkspaceId,
} from "../ids/ids.ts";
import type { ErrorType } from "./operation-errors.ts";
import type { JsonObject } from "../document/json.ts";
import type { EditTimes } from "../merge/edit-times.ts";
import type { Overlap } from "../merge/merge-three-way.ts";
import type { ConflictStrategy } from "../merge/conflict-strategy.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import type { OperationKind } from "./operation-kind.ts";

/**
 * An operation as ingest accepted it. Ids and times that an outcome depends on are fixed here, so that a repeated
 * drain has the same result.
 */
export interface AcceptedOperation {
  clientId: ClientId;
  /** Its position in the request, from 0; results have this order. */
  position: number;
  kind: OperationKind;
  collection: CollectionName;
  documentId: DocumentId;
  /**
   * Set if ingest made the id. No client is told the id until the outcome is known: a resend makes another id, and
   * the first one counts.
   */
  documentIdMade?: true;
  data?: JsonObject;
  patch?: JsonPatchStep[];
  expectedVersion?: Version;
  /** Set on a held operation if its expected version belongs to another epoch, or did not exist yet. */
  versionUnknown?: true;
  ancestor?: JsonObject;
  /** Clamped to the server's clock, milliseconds since 1970. */
  timestampMs?: number;
  group?: string;
  /** The strategy for its conflict, over the batch's. */
  onConflict?: ConflictStrategy;
  /** A digest of the content. Another content under the same `clientId` is an error, not a resend. */
  fingerprint: string;
  /** Set if a person resends an operation that ended as an error: it is evaluated anew. */
  replay?: true;
  /** Set if a person decides a conflict with it: it is not evaluated, but resolves the record. */
  decision?: Decision;
}

/** The choices for a decision: one side's document, the merge of both, or another document. */
export const DECISION_CHOICES = ["server", "local", "merged", "data"] as const;
export type DecisionChoice = (typeof DECISION_CHOICES)[number];

/** A person's decision on a conflict, with the state it was made on. It holds only if that state is still current. */
export interface Decision {
  conflictId: ConflictId;
  choice: DecisionChoice;
  /** The record's `revision`. */
  revision: number;
  /** The document's version, 0 if there was no document. */
  version: Version;
  /** The inputs of the conflict's merge, with the device's whole run. */
  inputs: MergeInputs;
}

/** A batch as stored in a lane's stream. */
export interface AcceptedBatch {
  batchId: BatchId;
  workspaceId: WorkspaceId;
  /** The declared device, otherwise the token's subject; part of an operation's key. */
  deviceId: DeviceId;
  /** If false, expected versions match strictly and operations do not fold. */
  deviceDeclared: boolean;
  subject: string;
  requestId: string;
  acceptedAtMs: number;
  /** The ingest process that may be waiting for the results. */
  replyTo: string;
  atomic: boolean;
  onConflict?: ConflictStrategy;
  /** The epoch that the batch's expected versions belong to. */
  epoch?: string;
  /** The operations in the order in which they take effect. */
  operations: AcceptedOperation[];
}

/** An operation without its content: the part that is read before it is drained. */
export type OperationHead = Omit<AcceptedOperation, "data" | "patch" | "ancestor" | "decision">;

/** A batch without the content of its operations. */
export interface BatchHead extends Omit<AcceptedBatch, "operations"> {
  operations: OperationHead[];
}

/** The conflict service's result for a conflict, on its way back through the lane. */
export interface Resolution {
  workspaceId: WorkspaceId;
  collection: CollectionName;
  documentId: DocumentId;
  conflictId: ConflictId;
  /** The round that it answers. A resolution of another round than the record's is a duplicate. */
  round: number;
  /** The remote version that the merge saw, 0 if there was no document. */
  expectedVersion: Version;
  /** The number of operations of the held run that the merge covers. */
  operationsCovered: number;
  outcome: MergeOutcome;
  inputs: MergeInputs;
  /** The merges within the run, so that the drain can merge it once more. */
  rises: RisesTaken;
  /** True in the last round: the drain merges by itself if the document has moved once more. */
  isLastRound: boolean;
  /** The outcome of the collection's hook; absent if no hook was called. */
  hook?: HookOutcome;
  /** The strategy that a hook chose instead of the record's. */
  strategy?: ConflictStrategy;
}

/**
 * The outcome of a hook: `resolved` with its own document, `deferred` to a strategy, `asked` for a person,
 * `failed`, or `skipped`, because a drain calls no hook.
 */
export type HookOutcome = "resolved" | "deferred" | "asked" | "failed" | "skipped";

/** The merges within a run, by which it has risen to a newer version. */
export interface RisesTaken {
  /** The newest version that the run names; `null`: unknown. */
  seenVersion: number | null;
  /** The kind of the version that the device received while it made the run; `null` if it received none. */
  rose: "live" | "deleted" | null;
  refused: RefusedOperation[];
  /** The document that the run's last operation deleted, if the run had changed it. */
  ended: JsonObject | null;
  overlaps: Overlap[];
  twoWay: boolean;
  /** The state from which the run continues, if its last operations were made on an unknown document. */
  resumes?: Omit<MergeInputs, "ancestor"> & { ancestor: JsonObject; unseen: number };
}

/** The device's side of a merge. `null` is a deleted document; `ancestor` is `null` if it is unknown. */
export interface MergeInputs {
  ancestor: JsonObject | null;
  local: JsonObject | null;
  /** The timestamp of the device's last operation. */
  localTimestampMs: number | null;
  /** The newest edit of each place since the ancestor. Without them every place counts as edited at that timestamp. */
  localTimes?: EditTimes;
}

/** A document to commit, or a conflict to park for a person. */
export type MergeOutcome =
  | {
      kind: "commit";
      document: JsonObject | null;
      overlaps: Overlap[];
      twoWay: boolean;
      /** Operations of the run that could not be applied to the ancestor, each with its own `error`. */
      refused: RefusedOperation[];
      /** Set for a deletion: the document that the run had edited before. */
      ended?: JsonObject;
    }
  | { kind: "park"; reason: string; proposed: JsonObject | null; overlaps: Overlap[] };

/** An operation that is itself at fault. */
export interface RefusedOperation {
  clientId: ClientId;
  errorType: ErrorType;
  message: string;
}

/** One entry of a lane's stream. `trace` carries W3C trace context (`traceparent`, `tracestate`). */
export type LaneEntry =
  | { kind: "batch"; batch: AcceptedBatch; trace: Record<string, string> }
  | { kind: "resolution"; resolution: Resolution; trace: Record<string, string> };

/** An entry as stored on its lane. Ids are those of a Redis stream: `milliseconds-number`, ascending. */
export interface StoredEntry {
  id: string;
  entry: LaneEntry;
  /** The last entry that had been answered and removed from the lane when this batch was accepted. */
  answeredId: string;
}
