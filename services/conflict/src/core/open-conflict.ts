import type { ConflictStrategy, DeviceRun, HookOutcome } from "@syncline/shared";

/** A conflict that is to be merged, as its record has it. */
export interface OpenConflict extends DeviceRun {
  workspaceId: string;
  conflictId: string;
  collection: string;
  documentId: string;
  status: "open" | "parked" | "reported" | "resolved";
  strategy: ConflictStrategy;
  deviceId: string;
  /** `due` where the collection's hook is to be asked. */
  hook: HookOutcome | "due" | null;
  round: number;
  /** The document's version when the device collided with it. */
  currentVersion: number;
}
