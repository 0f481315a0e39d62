import type { OperationResult } from "./result.ts";
import type { LedgerRow } from "./ledger-row.ts";
import { actionOf } from "./operation-errors.ts";

/** Converts a row of the ledger to the operation's result on the wire. */
export function resultOf(row: LedgerRow, { replayed }: { replayed: boolean }): OperationResult {
  const result: OperationResult = {
    client_id: row.clientId,
    status: row.status,
    document_id: row.documentId,
  };
  if (row.status === "success") {
    if (row.version !== null) result.version = row.version;
    if (row.seq !== null) result.seq = row.seq;
    if (row.merged) result.merged = true;
    if (row.decided !== null) result.decided = row.decided;
    const isSettled = row.merged || row.decided !== null;
    if (isSettled && row.conflictId !== null) result.conflict_id = row.conflictId;
    if (row.overlapCount !== null) result.overlaps = row.overlapCount;
    if (row.rounds !== null) result.rounds = row.rounds;
  } else if (row.status !== "pending") {
    if (row.error !== null) result.error = row.error;
    if (row.errorType !== null) {
      result.error_type = row.errorType;
      result.action = actionOf(row.errorType, row.conflictStatus);
    }
  }
  if (row.status === "conflict") {
    result.conflict_data = {
      expected_version: row.expectedVersion,
      current_version: row.currentVersion ?? 0,
      ...(row.conflictId === null ? {} : { conflict_id: row.conflictId }),
      ...(row.conflictStatus === null ? {} : { conflict_status: row.conflictStatus }),
    };
  }
  if (replayed && row.status !== "pending") result.replayed = true;
  return result;
}
