import type { DocumentData } from "@syncline/shared/document";
import type { CollectionPolicy } from "@syncline/shared/merge";
import { applyToData, type AppliedToData } from "@syncline/shared/operations";
import type { ErrorType, AcceptedOperation, DeviceId, Version } from "@syncline/shared/protocol";
import type { AtFault } from "./at-fault.ts";
import { whyNotStored } from "./why-not-stored.ts";
import type { DocumentState } from "./window-state.ts";

/** The effect of an operation on its document. */
export type Evaluation =
  | ({ kind: "write" } & Omit<Extract<AppliedToData, { ok: true }>, "ok">)
  | { kind: "nothing" }
  | { kind: "conflict"; baseVersion: Version | null; reason: string; reasonType: ErrorType }
  | AtFault;

/** The device of an operation, and whether its versions belong to this history. */
export interface Evaluated {
  deviceId: DeviceId;
  deviceDeclared: boolean;
  /** False if the batch comes from another epoch: its versions belong to a history that is gone. */
  versionsKnown: boolean;
  /** The collection's policy. */
  policy: CollectionPolicy;
}

/**
 * Evaluates one operation against the current state of its document. Pure. The cases are the table in
 * docs/protocol/outcomes.md, "Outcomes by operation".
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
      return live ? conflict(0, "The document already exists", "document_exists") : writeHere();
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
        // The device had the document: the database was restored, or the workspace was erased.
        if (expected !== undefined && (!by.versionsKnown || expected > 0)) break;
        return conflict(null, "The document no longer exists", "document_deleted");
      }
      if (!live) {
        if (expected !== undefined && (!by.versionsKnown || expected > document.version)) break;
        // An operation that names the tombstone's version, or no version, edits the document that was deleted.
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

/** Reports whether a version matches: every change of the document since then came from the same device. */
function matches(expected: number, document: DocumentState, by: Evaluated): boolean {
  if (expected === document.version) return true;
  return by.deviceDeclared && document.writerDeviceId === by.deviceId && expected >= document.runBaseVersion;
}

function write(
  operation: AcceptedOperation,
  document: DocumentData | null,
  policy: CollectionPolicy,
): Evaluation {
  const applied = applyToData(document, operation, policy);
  if (!applied.ok) return { kind: "error", errorType: applied.errorType, message: applied.message };
  const { data, timesAt, places } = applied;
  // Without a schema the whole value of a large document is not needed.
  const fault = policy.schema && whyNotStored(policy, data?.value ?? null, document?.value ?? null);
  if (fault !== undefined) return fault;
  return { kind: "write", data, timesAt, places };
}

function conflict(baseVersion: Version | null, reason: string, reasonType: ErrorType): Evaluation {
  return { kind: "conflict", baseVersion, reason, reasonType };
}

function mismatch(expected: number, current: number): string {
  return `Version mismatch: expected ${expected}, got ${current}`;
}
