import type { ConflictStrategy } from "@syncline/shared/merge";
import type { DeviceRun } from "@syncline/shared/operations";
import type {
  HookOutcome,
  CollectionName,
  ConflictId,
  ConflictStatus,
  DeviceId,
  DocumentId,
  Version,
  WorkspaceId,
} from "@syncline/shared/protocol";

/** A conflict record to be merged. */
export interface OpenConflict extends DeviceRun {
  workspaceId: WorkspaceId;
  conflictId: ConflictId;
  collection: CollectionName;
  documentId: DocumentId;
  status: ConflictStatus;
  strategy: ConflictStrategy;
  deviceId: DeviceId;
  /** `due` if the collection's hook must be consulted. */
  hook: HookOutcome | "due" | null;
  round: number;
  /** The document's version when the conflict was found. */
  currentVersion: Version;
}
