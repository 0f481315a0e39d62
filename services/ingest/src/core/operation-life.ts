import {
  type ErrorType,
  backoffMs,
  pendingResults,
  resultOf,
  type AcceptedBatch,
  type AcceptedOperation,
  type BackoffBounds,
  type LedgerRow,
  type OperationKind,
  type OperationResult,
  type ClientId,
  type CollectionName,
  type DeviceId,
  type Seq,
  type Version,
  type WorkspaceId,
} from "@syncline/shared/protocol";

/** The key of an operation in the ledger. */
export interface OperationKey {
  workspaceId: WorkspaceId;
  deviceId: DeviceId;
  clientId: ClientId;
}

/** An operation on its lane, with its batch. */
export interface OperationOnLane {
  operation: AcceptedOperation;
  batch: AcceptedBatch;
  trace: Record<string, string>;
}

/** A row of the ledger, with the time of its final answer. */
export interface OperationRow extends LedgerRow {
  settledAt: Date | null;
  /** True if the operation ended as an error and the ledger holds its content. */
  replayable: boolean;
}

/** An operation with its outcome; absent values are `null`. */
export interface OperationStory extends OperationRow {
  drainedAt: Date | null;
  /** The change that holds the operation's version. */
  changeSeq: number | null;
  firstVersion: number | null;
  lastVersion: number | null;
  committedAt: Date | null;
  /** The status of the conflict's record now. */
  recordStatus: string | null;
  conflictRound: number | null;
  conflictStrategy: string | null;
  conflictReason: string | null;
  conflictRoundAt: Date | null;
  /** The operation that opened the conflict, if this one is part of its run. */
  conflictOpenedBy: string | null;
}

/** An operation in a listing; `cursor` starts the page after it. */
export interface OperationListing {
  operation: OperationRow;
  cursor: [acceptedAtUs: number, deviceId: DeviceId, clientId: ClientId];
}

/** An operation as a listing shows it. Times are RFC 3339. */
export interface OperationBody {
  client_id: string;
  device_id: string;
  batch_id: string;
  operation: OperationKind;
  collection: CollectionName;
  /** `null` if the server made the id and it is not certain yet. */
  document_id: string | null;
  status: LedgerRow["status"];
  result: OperationResult;
  /** The reason for which the operation was refused, or is being merged. */
  reason: {
    error_type: ErrorType | null;
    error: string;
    expected_version: number | null;
    current_version: number | null;
  } | null;
  conflict_id: string | null;
  subject: string;
  request_id: string;
  trace_id: string | null;
  accepted_at: string;
  settled_at: string | null;
  replayable: boolean;
}

/** The life of an operation. */
export interface OperationLifeBody extends OperationBody {
  drained_at: string | null;
  /** The change that holds the operation's version; `null` if it wrote nothing. */
  applied: { seq: Seq; committed_at: string } | null;
  /** The versions of that change, if it holds those of several operations. */
  folded_into: { seq: Seq; first_version: number; version: Version } | null;
  /** Number of merge rounds so far. */
  rounds: number | null;
  /** The conflict that holds or held the operation back, opened by another operation of its device. */
  held_behind: string | null;
  conflict: {
    conflict_id: string;
    status: string;
    strategy: string;
    round: number;
    /** The reason for which the conflict is left to a person. */
    reason: string | null;
    /** Latest time of the next round, while the conflict is open. */
    next_round_by: string | null;
  } | null;
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
    reason: reasonOf(row),
    conflict_id: row.conflictId,
    subject: row.subject,
    request_id: row.requestId,
    trace_id: row.traceId,
    accepted_at: new Date(row.acceptedAtMs).toISOString(),
    settled_at: row.settledAt?.toISOString() ?? null,
    replayable: row.replayable,
  };
}

/** @param backoff - the bounds of the delay between the rounds of a merge */
export function operationLife(story: OperationStory, backoff: BackoffBounds): OperationLifeBody {
  const conflict = conflictOf(story, backoff);
  return {
    ...operationBody(story),
    drained_at: story.drainedAt?.toISOString() ?? null,
    ...changeOf(story),
    rounds: story.rounds ?? conflict?.round ?? null,
    held_behind:
      story.conflictOpenedBy === null || story.conflictOpenedBy === story.clientId
        ? null
        : (conflict?.conflict_id ?? null),
    conflict,
  };
}

/** Builds the life of an operation that is still on its lane: only its acceptance is known. */
export function acceptedLife({ operation, batch, trace }: OperationOnLane): OperationLifeBody {
  const [result = { client_id: operation.clientId, status: "pending" as const }] = pendingResults({
    operations: [operation],
  });
  return {
    client_id: operation.clientId,
    device_id: batch.deviceId,
    batch_id: batch.batchId,
    operation: operation.kind,
    collection: operation.collection,
    document_id: result.document_id ?? null,
    status: "pending",
    result,
    reason: null,
    conflict_id: null,
    subject: batch.subject,
    request_id: batch.requestId,
    trace_id: trace["traceparent"]?.split("-")[1] ?? null,
    accepted_at: new Date(batch.acceptedAtMs).toISOString(),
    drained_at: null,
    settled_at: null,
    replayable: false,
    applied: null,
    folded_into: null,
    rounds: null,
    held_behind: null,
    conflict: null,
  };
}

function reasonOf(row: OperationRow): OperationBody["reason"] {
  if (row.error === null) return null;
  return {
    error_type: row.errorType,
    error: row.error,
    expected_version: row.expectedVersion,
    current_version: row.currentVersion,
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

function conflictOf(story: OperationStory, backoff: BackoffBounds): OperationLifeBody["conflict"] {
  const { conflictId, recordStatus: status, conflictStrategy: strategy, conflictRound: round } = story;
  if (conflictId === null || status === null || strategy === null || round === null) return null;
  const { conflictReason: reason, conflictRoundAt: roundAt } = story;
  const isDue = status === "open" && roundAt !== null;
  return {
    conflict_id: conflictId,
    status,
    strategy,
    round,
    reason,
    next_round_by: isDue ? new Date(roundAt.getTime() + longestDelayMs(round, backoff)).toISOString() : null,
  };
}

/** Returns the longest delay before a round. The first round starts immediately, later ones after a backoff. */
function longestDelayMs(round: number, backoff: BackoffBounds): number {
  return round === 1 ? 0 : backoffMs(round - 1, backoff, 1);
}
