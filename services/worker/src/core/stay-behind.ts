import { risenTo } from "@syncline/shared/operations";
import type { Answer } from "./answer.ts";
import type { Case } from "./case.ts";
import { heldOf } from "./new-conflict.ts";
import { recordUnwritten } from "./record-answer.ts";
import type { ConflictWrite, LedgerWrite } from "./window-plan.ts";

/**
 * Answers an operation behind the device's own conflict on its document: it is held or refused with that conflict,
 * and never overtakes it.
 */
export function stayBehind(on: Case, behind: ConflictWrite): Answer {
  const { operation, draft, entryId } = on;
  const isReported = behind.refusedEntryId !== null;
  const conflict = isReported ? { ...behind, refusedEntryId: entryId } : behind;
  const { conflictId, currentVersion } = conflict;
  const mismatch = { conflictId, currentVersion, expectedVersion: operation.expectedVersion ?? null };
  const error = isReported
    ? "The device sent this operation before it received the conflict on this document"
    : "The device has an unresolved conflict on this document";
  const refused: Pick<LedgerWrite, "status"> & Partial<LedgerWrite> = {
    status: "conflict",
    error,
    errorType: "behind_conflict",
    // A person's decision on a reported record does not tell the device.
    conflictStatus: conflict.status === "resolved" ? "reported" : conflict.status,
    ...mismatch,
  };
  // No operation waits behind a reported conflict, so that the device is never blocked. Operations beyond the limit
  // are refused and not kept.
  if (on.grouped || (isReported && isFull(conflict))) {
    return recordUnwritten(
      on,
      refused,
      isReported ? () => draft.conflicts.update("joined", conflict) : undefined,
    );
  }
  const pending = { status: "pending", ...mismatch } as const;
  return recordUnwritten(on, conflict.status === "open" ? pending : refused, () => hold(on, conflict));
}

/** Holds an operation. A version that its run rises to counts with its bytes, because the merge loads it. */
function hold(on: Case, conflict: ConflictWrite): void {
  const { documents, conflicts } = on.draft;
  const held = heldOf(on);
  const seenVersion = risenTo(conflict.seenVersion, held.operation);
  const rises = seenVersion !== conflict.seenVersion;
  const current = documents.find(conflict.workspaceId, conflict.collection, conflict.documentId);
  conflicts.hold({ ...conflict, seenVersion }, held, rises ? (current?.data?.size.bytes ?? 0) : 0);
}

/**
 * Applies the limits of the index `conflicts_full` to a reported conflict; for unresolved ones, ingest refuses
 * operations beyond them.
 */
function isFull({ operationCount, operationBytes }: ConflictWrite): boolean {
  return operationCount >= 1_000 || operationBytes >= 16 * 1024 * 1024;
}
