import type { ConflictStrategy, HeldOperation, JsonObject } from "@syncline/shared";

/** A conflict that is to be merged, as its record has it. */
export interface OpenConflict {
  workspaceId: string;
  conflictId: string;
  collection: string;
  documentId: string;
  status: "open" | "parked" | "reported" | "resolved";
  strategy: ConflictStrategy;
  round: number;
  /** The version the device started from; 0: no document; `null`: unknown. */
  baseVersion: number | null;
  /** What the device sent along. */
  ancestor: JsonObject | null;
  /** What it saw when it went on from an operation of its own that was still being merged. */
  deviceView: JsonObject | null;
  operations: HeldOperation[];
}

/** The server's document now. */
export interface RemoteDocument {
  /** 0 where there is no document. */
  version: number;
  /** `null` where it is deleted, or absent. */
  data: JsonObject | null;
  /** The clamped timestamp of the operation that wrote it. */
  timestampMs: number | null;
}
