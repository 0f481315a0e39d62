import {
  type ErrorType,
  applyOperation,
  type AcceptedOperation,
  type JsonObject,
  type MergePolicy,
  type DeviceId,
  type Version,
} from "@syncline/shared";
import type { DocumentState } from "./window-state.ts";

/** What an operation does to the document it meets. */
export type Evaluation =
  | { kind: "write"; document: JsonObject | null }
  | { kind: "nothing" }
  | { kind: "conflict"; baseVersion: Version | null; reason: string; reasonType: ErrorType }
  | AtFault;

/** Why an operation is itself at fault. */
export interface AtFault {
  kind: "error";
  errorType: ErrorType;
  message: string;
}

/** Who is asking, and whether the versions it names mean anything here. */
export interface Evaluated {
  deviceId: DeviceId;
  deviceDeclared: boolean;
  /** False where the batch comes from another epoch: its versions belong to a history that is gone. */
  versionsKnown: boolean;
  /** How the documents of the collection merge. */
  policy: MergePolicy;
}

/**
 * Holds one operation against the current state of its document. Pure.
 * The cases are the table in docs/protocol/outcomes.md, "Outcomes by operation".
 */
export function evaluateOperation(
  operation: AcceptedOperation,
  document: DocumentState | undefined,
  by: Evaluated,
): Evaluation {
  const live = document !== undefined && !document.deleted;
  const expected = operation.expectedVersion;
  const writeHere = () => write(operation, document?.data ?? null, by.policy);
  switch (operation.kind) {
    case "create":
      return live ? conflict(0, "The document exists already", "document_exists") : writeHere();
    case "put":
      if (expected === undefined) return writeHere();
      if (expected === 0 && by.versionsKnown && !live) return writeHere();
      break;
    case "delete":
      if (!live) return { kind: "nothing" };
      if (expected === undefined) return writeHere();
      break;
    case "update":
      if (document === undefined) {
        if (operation.ancestor === undefined) {
          return { kind: "error", errorType: "document_not_found", message: "The document never existed" };
        }
        // The device had it: the database was restored, or the workspace was erased.
        if (expected !== undefined && (!by.versionsKnown || expected > 0)) break;
        return conflict(null, "The document is not here any more", "document_deleted");
      }
      if (!live) {
        if (expected !== undefined && (!by.versionsKnown || expected > document.version)) break;
        // Who saw the tombstone, or names no version, edits what was deleted.
        const lastLive = document.version - 1;
        const baseVersion = Math.min(expected ?? lastLive, lastLive);
        return conflict(baseVersion, "The document was deleted", "document_deleted");
      }
      if (expected === undefined) return writeHere();
      break;
    default:
      return operation.kind satisfies never;
  }

  const current = document?.version ?? 0;
  if (!by.versionsKnown) return conflict(null, "The batch comes from another epoch", "other_epoch");
  if (expected > current) return conflict(null, mismatch(expected, current), "version_ahead");
  if (document !== undefined && matches(expected, document, by)) return writeHere();
  return conflict(expected, mismatch(expected, current), "version_mismatch");
}

/** A version matches when every change of the document since then came from the same device. */
function matches(expected: number, document: DocumentState, by: Evaluated): boolean {
  if (expected === document.version) return true;
  return by.deviceDeclared && document.writerDeviceId === by.deviceId && expected >= document.runBaseVersion;
}

function write(operation: AcceptedOperation, document: JsonObject | null, policy: MergePolicy): Evaluation {
  const applied = applyOperation(document, operation, policy);
  if (!applied.ok) return { kind: "error", errorType: applied.errorType, message: applied.message };
  return { kind: "write", document: applied.document };
}

function conflict(baseVersion: Version | null, reason: string, reasonType: ErrorType): Evaluation {
  return { kind: "conflict", baseVersion, reason, reasonType };
}

function mismatch(expected: number, current: number): string {
  return `Version mismatch: expected ${expected}, got ${current}`;
}
