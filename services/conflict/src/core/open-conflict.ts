import type {
  ConflictStrategy,
  DeviceRun,
  HookOutcome,
  CollectionName,
  ConflictId,
  DeviceId,
  DocumentId,
  Version,
  WorkspaceId,
} from "@syncline/shared";

/** A conflict that is to be merged, as its record has it. */
export interface OpenConflict extends DeviceRun {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  collection: CollectionName;
  documentId: DocumentId;
  status: "open" | "parked" | "reported" | "resolved";
  strategy: ConflictStrategy;
  deviceId: DeviceId;
  /** `due` where the collection's hook is to be asked. */
  hook: HookOutcome | "due" | null;
  round: number;
  /** The document's version when the device collided with it. */
  currentVersion: Version;
}
