import type { Json, JsonObject, JsonPatchStep } from "@syncline/shared/document";
import type { Overlap } from "@syncline/shared/merge";
import type { DecisionChoice } from "@syncline/shared/protocol";

export type Priority = "immediate" | "high" | "normal" | "low";

/** The content of one operation. */
export type Effect =
  | { readonly kind: "create" | "put"; readonly data: JsonObject }
  | { readonly kind: "update"; readonly data: JsonObject }
  | { readonly kind: "update"; readonly patch: JsonPatchStep[] }
  | { readonly kind: "delete" };

/**
 * The end of an operation or a group. `applied` is part of the server's document. Of the others, `refused` was at
 * fault, `conflict` met others' changes, `skipped` belongs to a group that failed, `tooLarge` fits no request,
 * `unknown` may or may not have been applied, `overruled` lost a person's decision; the rest were ended by this device.
 */
export type OutcomeCode =
  | "applied"
  | "refused"
  | "conflict"
  | "skipped"
  | "tooLarge"
  | "unknown"
  | "overruled"
  | "accessLost"
  | "cancelled"
  | "discarded"
  | "outdated";

export interface OutcomeOperation {
  readonly operationIds: readonly string[];
  readonly collection: string;
  readonly documentId: string;
  readonly effect: Effect;
  /** The document that the edit was made on, as far as the device still has it. */
  readonly anchor?: JsonObject | null;
  readonly note?: Json;
}

/** An operation that ended, with its data, until the app acknowledges it. */
export interface Outcome {
  readonly id: string;
  readonly workspace: string;
  readonly code: OutcomeCode;
  /** All operations of the unit: one, or those of a group. */
  readonly operations: readonly OutcomeOperation[];
  /** The operation of the group that failed, by its position in `operations`. */
  readonly failing: number;
  /** The server's `error_type`, or the problem's type. */
  readonly errorType?: string;
  /** A sentence for people. */
  readonly reason?: string;
  readonly conflictId?: string;
  /** The server may have applied it although no answer says so. */
  readonly mayBeApplied?: boolean;
  /** A merge made it part of the document. */
  readonly merged?: boolean;
  readonly decided?: DecisionChoice;
  readonly atMs: number;
  readonly acknowledged: boolean;
  /** Its operations were written anew by `retry`. */
  readonly retried?: true;
}

/** An operation that waits on the device. */
export interface PendingOperation {
  readonly id: string;
  readonly collection: string;
  readonly documentId: string;
  readonly effect: Effect;
  readonly state: "queued" | "sent" | "acked" | "parked";
  readonly group?: string;
  readonly priority: Priority;
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly conflictId?: string;
  readonly note?: Json;
}

/** A request with operations, of the last 50. */
export interface BatchInfo {
  readonly id: string;
  readonly operations: number;
  readonly status: "syncing" | "pending" | "completed" | "partial" | "failed";
  readonly atMs: number;
  readonly requestId?: string;
}

/** A conflict that is left to a person. */
export interface ParkedConflict {
  readonly conflictId: string;
  readonly collection: string;
  readonly documentId: string;
  readonly reason?: string;
  readonly openedAtMs?: number;
}

export interface ConflictDetails {
  readonly conflictId: string;
  readonly collection: string;
  readonly documentId: string;
  readonly status: "open" | "parked" | "reported" | "resolved";
  /** The version that a decision is made on. */
  readonly version: number;
  readonly ancestor: JsonObject | null;
  readonly remote: JsonObject | null;
  readonly local: JsonObject | null;
  readonly overlaps: readonly Overlap[];
  /** The document that each choice would result in, as the server previews it. */
  readonly preview: JsonObject;
}

/** A person's decision of a conflict. */
export type Decision =
  | { readonly choice: "server" | "local" | "merged"; readonly version?: number }
  | { readonly choice: "data"; readonly data: JsonObject | null; readonly version?: number };
