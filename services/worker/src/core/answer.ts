import {
  actionOf,
  type AcceptedOperation,
  type ErrorType,
  type OperationResult,
} from "@syncline/shared/protocol";
import type { RowDraft } from "./ledger-draft.ts";

/** The answer to one operation of a batch: recorded in the ledger, or for this batch only. */
export type Answer =
  | {
      kind: "ledger";
      draft: RowDraft;
      replayed: boolean;
      /** Records a failure again after its group was undone. */
      restore?: () => void;
    }
  | { kind: "unrecorded"; result: OperationResult };

export function statusOf(answer: Answer): OperationResult["status"] {
  return answer.kind === "ledger" ? answer.draft.row.status : answer.result.status;
}

/**
 * Fails a group that contains an operation which is still being merged from an earlier batch, because a group
 * cannot wait.
 */
export function stillMerging(operation: AcceptedOperation, { row }: RowDraft): Answer {
  return unrecorded(operation, {
    status: "conflict",
    error: "This operation is still being merged",
    error_type: "behind_conflict",
    action: "wait",
    conflict_data: {
      expected_version: row.expectedVersion,
      current_version: row.currentVersion ?? 0,
      ...(row.conflictId !== null && { conflict_id: row.conflictId, conflict_status: "open" }),
    },
  });
}

export function reusedClientId(operation: AcceptedOperation): Answer {
  return unrecorded(operation, {
    status: "error",
    error: "This client_id was already used with different content",
    ...withAction("client_id_reused"),
  });
}

export function expired(operation: AcceptedOperation): Answer {
  return unrecorded(operation, {
    status: "error",
    error:
      "This client_id is older than the ledger, which no longer knows whether it was applied. Send the operation under a new client_id",
    ...withAction("client_id_expired"),
  });
}

/** Refuses an operation that was skipped with its group, and comes again outside it or with other content. */
export function skippedOtherwise(operation: AcceptedOperation): Answer {
  return unrecorded(operation, {
    status: "error",
    error:
      "This client_id was skipped with its group. Send the operation again unchanged and with the same group, or under a new client_id",
    ...withAction("client_id_reused"),
  });
}

/** Skips an operation of a failed group that had another answer before, which the ledger keeps. */
export function skip(operation: AcceptedOperation): Answer {
  return unrecorded(operation, { status: "skipped", error: SKIPPED });
}

/** The error of a skipped operation. */
export const SKIPPED = "Another operation of its group failed";

function withAction(errorType: ErrorType): Pick<OperationResult, "error_type" | "action"> {
  return { error_type: errorType, action: actionOf(errorType, null) };
}

/** An answer for this batch only, which the ledger does not keep. */
function unrecorded(
  { clientId, documentId }: AcceptedOperation,
  outcome: Omit<OperationResult, "client_id" | "document_id">,
): Answer {
  return { kind: "unrecorded", result: { client_id: clientId, document_id: documentId, ...outcome } };
}
