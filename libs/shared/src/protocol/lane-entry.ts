import type { JsonObject } from "../json/json.ts";
import type { EditTimes } from "../merge/edit-times.ts";
import type { Overlap } from "../merge/merge-document.ts";
import type { ConflictStrategy } from "./batch.ts";
import type { JsonPatchStep, OperationKind } from "./operation.ts";

/**
 * An operation as ingest accepted it. Whatever an outcome depends on (ids, times) is fixed here, so that a drain that
 * runs again does the same thing.
 */
export interface AcceptedOperation {
  clientId: string;
  /** Its place in the request, from 0; results stand in this order. */
  position: number;
  kind: OperationKind;
  collection: string;
  documentId: string;
  /** The id was made here. Until the outcome is known nobody is told: a resend makes another, and the first one counts. */
  documentIdMade?: true;
  data?: JsonObject;
  patch?: JsonPatchStep[];
  expectedVersion?: number;
  /** Of a held one: its expected version is none of this history, but of another epoch, or was not there yet. */
  versionUnknown?: true;
  ancestor?: JsonObject;
  /** Clamped to the server's clock, milliseconds since 1970. */
  timestampMs?: number;
  group?: string;
  /** A digest of the content: another one under the same `clientId` is a mistake, not a resend. */
  fingerprint: string;
  /** A person sends again what ended as an error: it is judged anew. */
  replay?: true;
  /** A person decides a conflict with it: it is not judged, but settles the record. */
  decision?: Decision;
}

/** What a conflict can be decided with: one side's document, the merge of both, or another document. */
export const DECISION_CHOICES = ["server", "local", "merged", "data"] as const;
export type DecisionChoice = (typeof DECISION_CHOICES)[number];

/** A person's decision on a conflict, with what it was made on: it holds only if that is still so. */
export interface Decision {
  conflictId: string;
  choice: DecisionChoice;
  /** The record's `revision`. */
  revision: number;
  /** The document's version, 0 where there was none. */
  version: number;
  /** What the conflict is about, with the device's whole run. */
  inputs: MergeInputs;
}

/** A batch as it stands in a lane's stream. */
export interface AcceptedBatch {
  batchId: string;
  workspaceId: string;
  /** The declared device, else the token's subject in its place; half of an operation's key. */
  deviceId: string;
  /** Without a declared device, expected versions match strictly and nothing folds. */
  deviceDeclared: boolean;
  subject: string;
  requestId: string;
  acceptedAtMs: number;
  /** The ingest process that may be waiting for the results. */
  replyTo: string;
  atomic: boolean;
  onConflict?: ConflictStrategy;
  /** The history that the batch's expected versions belong to. */
  epoch?: string;
  /** In the order in which they take effect. */
  operations: AcceptedOperation[];
}

/** An operation without what it writes: all that is asked about it before it is drained. */
export type OperationHead = Omit<AcceptedOperation, "data" | "patch" | "ancestor" | "decision">;

/** A batch without what its operations write. */
export interface BatchHead extends Omit<AcceptedBatch, "operations"> {
  operations: OperationHead[];
}

/** What the conflict service made of a conflict, on its way back through the lane. */
export interface Resolution {
  workspaceId: string;
  collection: string;
  documentId: string;
  conflictId: string;
  /** The round it answers; a resolution of another round than the record's is a duplicate. */
  round: number;
  /** The remote version that the merge saw, 0 where there was no document. */
  expectedVersion: number;
  /** How many operations of the held run the merge covers. */
  operationsCovered: number;
  outcome: MergeOutcome;
  inputs: MergeInputs;
  /** The merges inside of the run, so that the drain can merge it once more. */
  rises: RisesTaken;
  /** In the last round the drain merges by itself, should the document have moved once more. */
  isLastRound: boolean;
  /** What the collection's hook came to; none where there was none to ask. */
  hook?: HookOutcome;
  /** The strategy that a hook chose, in place of the record's. */
  strategy?: ConflictStrategy;
}

/**
 * What a hook came to: `resolved` with its own document, `deferred` to a strategy, `asked` for a person, `failed`, or
 * `skipped`, because nothing is asked within a drain.
 */
export type HookOutcome = "resolved" | "deferred" | "asked" | "failed" | "skipped";

/** The merges inside of a run, by which it has risen to a newer version. */
export interface RisesTaken {
  /** The newest version that the run names; `null`: unknown. */
  seenVersion: number | null;
  /** Whether the device has received a version while it made the run, and if so, which kind. */
  rose: "live" | "deleted" | null;
  refused: RefusedOperation[];
  /** The document that the run's last operation deleted, if the run had changed it. */
  ended: JsonObject | null;
  overlaps: Overlap[];
  twoWay: boolean;
  /** Where the run goes on from, if its last operations were made on a document that nobody knows. */
  resumes?: { ancestor: JsonObject; local: JsonObject | null; unseen: number };
}

/** What a device brings to a merge. `null` is a deleted document; `ancestor` is `null` when it is unknown. */
export interface MergeInputs {
  ancestor: JsonObject | null;
  local: JsonObject | null;
  /** The timestamp of the device's last operation. */
  localTimestampMs: number | null;
  /** The newest edit of each place since the ancestor. Without them every place counts as edited at that timestamp. */
  localTimes?: EditTimes;
}

/** Either a document to commit, or a decision for a person to take. */
export type MergeOutcome =
  | {
      kind: "commit";
      document: JsonObject | null;
      overlaps: Overlap[];
      twoWay: boolean;
      /** Operations of the run that could not be applied to the ancestor, each its own `error`. */
      refused: RefusedOperation[];
      /** Of a deletion: the document that the run had edited before. */
      ended?: JsonObject;
    }
  | { kind: "park"; reason: string; proposed: JsonObject | null; overlaps: Overlap[] };

/** An operation that is itself at fault. */
export interface RefusedOperation {
  clientId: string;
  errorType: string;
  message: string;
}

/** One entry of a lane's stream. `trace` carries W3C trace context (`traceparent`, `tracestate`). */
export type LaneEntry =
  | { kind: "batch"; batch: AcceptedBatch; trace: Record<string, string> }
  | { kind: "resolution"; resolution: Resolution; trace: Record<string, string> };

/** An entry as it lies on its lane. Ids are those of a Redis stream: `milliseconds-number`, ascending. */
export interface StoredEntry {
  id: string;
  entry: LaneEntry;
  /** The last entry that had been taken off the lane, and so answered, when this batch was accepted. */
  answeredId: string;
}
