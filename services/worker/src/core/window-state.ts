import type {
  ConflictStrategy,
  HeldOperation,
  JsonObject,
  LedgerRow,
  OperationResult,
  Overlap,
} from "@syncline/shared";

/** A workspace as a drain finds it; one without a commit yet is all zeros. */
export interface WorkspaceState {
  seq: number;
  revision: number;
}

/** A document's row: its current state, or its tombstone (`data` is then `null`). */
export interface DocumentState {
  version: number;
  deleted: boolean;
  data: JsonObject | null;
  /** The device that wrote every change after `runBaseVersion`. */
  writerDeviceId: string;
  runBaseVersion: number;
}

/** A conflict record. `open`: being merged; `parked`: waits for a person; the others are settled. */
export interface ConflictState {
  workspaceId: string;
  conflictId: string;
  collection: string;
  documentId: string;
  deviceId: string;
  deviceDeclared: boolean;
  status: "open" | "parked" | "reported" | "resolved";
  strategy: ConflictStrategy;
  round: number;
  /** The version the device started from; 0: none existed; `null`: unknown. */
  baseVersion: number | null;
  /** The document's version when the device collided with it. */
  currentVersion: number;
  ancestor: JsonObject | null;
  /** What the device saw when it went on from an operation that was still being merged: the ancestor, then. */
  deviceView: JsonObject | null;
  /** What the device sees after its run, once that is resolved; `null` where it deleted the document. */
  localView: JsonObject | null;
  operations: HeldOperation[];
  result: JsonObject | null;
  overlapList: Overlap[] | null;
  twoWay: boolean | null;
  reason: string | null;
  resolvedVersion: number | null;
  resolvedSeq: number | null;
  trace: Record<string, string>;
}

/** Everything a window's outcome depends on, read before it is planned. Maps are keyed as in `ids/keys.ts`. */
export interface WindowState {
  epoch: string;
  workspaceById: ReadonlyMap<string, WorkspaceState>;
  /** `null` where there is none: absent from this map means that it was not looked for. */
  documentByKey: ReadonlyMap<string, DocumentState | null>;
  ledgerRowByKey: ReadonlyMap<string, LedgerRow>;
  /** The results of batches that were drained before: an entry that was not removed in time comes again. */
  resultsByBatchId: ReadonlyMap<string, OperationResult[]>;
  /**
   * Of the window's devices on its documents: what is unsettled, and what was resolved last; and the conflicts that a
   * resolution names.
   */
  conflicts: readonly ConflictState[];
}
