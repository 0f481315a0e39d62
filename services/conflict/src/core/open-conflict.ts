import type { ConflictStrategy, DeviceRun } from "@syncline/shared";

/** A conflict that is to be merged, as its record has it. */
export interface OpenConflict extends DeviceRun {
  workspaceId: string;
  conflictId: string;
  collection: string;
  documentId: string;
  status: "open" | "parked" | "reported" | "resolved";
  strategy: ConflictStrategy;
  round: number;
}
