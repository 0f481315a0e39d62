import { resultOf, type LedgerRow, type OperationKind, type OperationResult } from "@syncline/shared";

/** A row of the ledger, with when it got its final answer. */
export interface OperationRow extends LedgerRow {
  settledAt: Date | null;
}

/** An operation and what became of it; what there is none of is `null`. */
export interface OperationStory extends OperationRow {
  drainedAt: Date | null;
  /** The change that holds its version. */
  changeSeq: number | null;
  firstVersion: number | null;
  lastVersion: number | null;
  committedAt: Date | null;
  conflictStatus: string | null;
  conflictRound: number | null;
  conflictStrategy: string | null;
  /** The operation that opened the conflict. */
  conflictOpenedBy: string | null;
}

/** An operation in a listing; `place` is where the page after it begins. */
export interface OperationListing {
  operation: OperationRow;
  place: [acceptedAtUs: number, deviceId: string, clientId: string];
}

/** An operation as a listing shows it. Times are RFC 3339. */
export interface OperationBody {
  client_id: string;
  device_id: string;
  batch_id: string;
  operation: OperationKind;
  collection: string;
  document_id: string;
  status: LedgerRow["status"];
  result: OperationResult;
  conflict_id: string | null;
  subject: string;
  request_id: string;
  trace_id: string | null;
  accepted_at: string;
  settled_at: string | null;
}

/** The life of an operation. */
export interface OperationLifeBody extends OperationBody {
  drained_at: string | null;
  /** The change that holds its version; `null` where it wrote nothing. */
  applied: { seq: number; committed_at: string } | null;
  /** The versions of that change, where it holds those of several operations. */
  folded_into: { seq: number; first_version: number; version: number } | null;
  /** The conflict behind which it waits, or waited: one that another operation of its device had opened. */
  held_behind: string | null;
  conflict: { conflict_id: string; status: string; strategy: string; round: number } | null;
}

export function operationBody(row: OperationRow): OperationBody {
  return {
    client_id: row.clientId,
    device_id: row.deviceId,
    batch_id: row.batchId,
    operation: row.operation,
    collection: row.collection,
    document_id: row.documentId,
    status: row.status,
    result: resultOf(row, { replayed: false }),
    conflict_id: row.conflictId,
    subject: row.subject,
    request_id: row.requestId,
    trace_id: row.traceId,
    accepted_at: new Date(row.acceptedAtMs).toISOString(),
    settled_at: row.settledAt?.toISOString() ?? null,
  };
}

export function operationLife(story: OperationStory): OperationLifeBody {
  const conflict = conflictOf(story);
  return {
    ...operationBody(story),
    drained_at: story.drainedAt?.toISOString() ?? null,
    ...changeOf(story),
    held_behind: story.conflictOpenedBy === story.clientId ? null : (conflict?.conflict_id ?? null),
    conflict,
  };
}

function changeOf(story: OperationStory): Pick<OperationLifeBody, "applied" | "folded_into"> {
  const { changeSeq: seq, firstVersion, lastVersion, committedAt } = story;
  if (seq === null || firstVersion === null || lastVersion === null || committedAt === null) {
    return { applied: null, folded_into: null };
  }
  return {
    applied: { seq, committed_at: committedAt.toISOString() },
    folded_into:
      firstVersion < lastVersion ? { seq, first_version: firstVersion, version: lastVersion } : null,
  };
}

function conflictOf(story: OperationStory): OperationLifeBody["conflict"] {
  const { conflictId, conflictStatus: status, conflictStrategy: strategy, conflictRound: round } = story;
  if (conflictId === null || status === null || strategy === null || round === null) return null;
  return { conflict_id: conflictId, status, strategy, round };
}
