import {
  assertInvariant,
  documentKey,
  resultOf,
  type AcceptedBatch,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import type { Answer } from "./answer.ts";
import type { ChangeDraft } from "./change-draft.ts";
import type { WrittenConflict } from "./conflicts-draft.ts";
import type { RowDraft } from "./ledger-draft.ts";
import type { WindowDraft } from "./window-draft.ts";
import type {
  BatchReply,
  BatchWrite,
  ChangeWrite,
  ConflictRound,
  ConflictWrite,
  DocumentWrite,
  HeldMove,
  HeldWrite,
  LedgerWrite,
  SettledReply,
  WindowPlan,
} from "./window-plan.ts";
import type { WindowState } from "./window-state.ts";

/** A batch of the window, with the answers to its operations in the order of the request. */
export interface AnsweredBatch {
  batch: AcceptedBatch;
  answers: Answer[];
}

/** The outcomes of a window besides its draft. */
export interface WindowOutcomes {
  batches: readonly AnsweredBatch[];
  /** The replies for batches that were drained before. */
  replays: BatchReply[];
  rounds: ConflictRound[];
  /** The operations that were pending, and now have their final answer. */
  settled: readonly RowDraft[];
}

/** Numbers the changes, now that their order is known, and assembles all rows and answers. */
export function assemblePlan(state: WindowState, draft: WindowDraft, outcomes: WindowOutcomes): WindowPlan {
  const { batches, replays, rounds, settled } = outcomes;
  const numbers = numberChanges(state, draft.documents.changes);
  const revisionOf = (workspaceId: WorkspaceId) => state.workspaceById.get(workspaceId)?.revision ?? 0;
  const written = draft.conflicts.written;
  const ledgerRows = ledgerRowsOf(draft.ledger.written, numbers);
  const answered = batches.map(({ batch, answers }) => ({ batch, results: answers.map(resultOfAnswer) }));
  const touchedWorkspaces = new Set<WorkspaceId>([
    ...batches.map(({ batch }) => batch.workspaceId),
    ...written.map(({ conflict }) => conflict.workspaceId),
    ...draft.documents.changes.map((change) => change.workspaceId),
  ]);
  return {
    workspaces: [...touchedWorkspaces].sort().map((workspaceId) => ({
      workspaceId,
      expectedRevision: revisionOf(workspaceId),
      seq: numbers.seqOf(workspaceId),
    })),
    documents: documentsOf(draft, numbers),
    changes: changesOf(draft, numbers),
    ledgerRows,
    batches: answered.map(({ batch, results }) => batchWriteOf(batch, results)),
    conflicts: written.map(({ conflict }) => ({
      ...conflict,
      resolvedSeq: resolvedSeqOf(conflict, numbers),
      revision: revisionOf(conflict.workspaceId) + 1,
    })),
    decisions: draft.conflicts.decisions.map((decision) => ({
      ...decision,
      revision: revisionOf(decision.workspaceId) + 1,
    })),
    ...runsOf(written),
    replies: [
      ...replays,
      ...answered.map(({ batch: { workspaceId, replyTo, batchId }, results }) => ({
        workspaceId,
        replyTo,
        batchId,
        results,
      })),
    ],
    settled: settled.map(settledReplyOf),
    rounds,
    missingHistory: [...draft.past.missing.values()],
    operationsApplied: ledgerRows.filter((row) => row.status === "success").length,
    roundsTaken: draft.conflicts.roundsTaken,
  };
}

/** The seqs of a window's changes. */
interface Numbers {
  seqByChange: ReadonlyMap<ChangeDraft, number>;
  seqByDocument: ReadonlyMap<string, number>;
  /** The seq of the last change of each group. */
  lastSeqByUnit: ReadonlyMap<string, number>;
  /** A workspace's seq after the window. */
  seqOf: (workspaceId: WorkspaceId) => number;
}

function numberChanges({ workspaceById }: WindowState, changes: readonly ChangeDraft[]): Numbers {
  const seqByWorkspace = new Map<string, number>();
  const seqOf = (workspaceId: WorkspaceId): number =>
    seqByWorkspace.get(workspaceId) ?? workspaceById.get(workspaceId)?.seq ?? 0;
  const seqByChange = new Map<ChangeDraft, number>();
  const seqByDocument = new Map<string, number>();
  const lastSeqByUnit = new Map<string, number>();
  for (const change of changes) {
    const seq = seqOf(change.workspaceId) + 1;
    seqByWorkspace.set(change.workspaceId, seq);
    seqByChange.set(change, seq);
    seqByDocument.set(documentKey(change.workspaceId, change.collection, change.documentId), seq);
    if (change.unit !== undefined) lastSeqByUnit.set(change.unit, seq);
  }
  return { seqByChange, seqByDocument, lastSeqByUnit, seqOf };
}

function changesOf({ documents }: WindowDraft, { seqByChange, lastSeqByUnit }: Numbers): ChangeWrite[] {
  return documents.changes.map((change) => {
    const { deviceDeclared, unit, before: _, timesAt: __, places: ___, ...row } = change;
    const seq = seqByChange.get(change);
    assertInvariant(seq !== undefined, "a change has no seq");
    const groupEndSeq = unit === undefined ? null : (lastSeqByUnit.get(unit) ?? null);
    return { ...row, deviceId: deviceDeclared ? change.deviceId : null, seq, groupEndSeq };
  });
}

function documentsOf({ documents }: WindowDraft, { seqByDocument }: Numbers): DocumentWrite[] {
  return Array.from(documents.written, (document) => {
    const { workspaceId, collection, documentId } = document;
    const seq = seqByDocument.get(documentKey(workspaceId, collection, documentId));
    assertInvariant(seq !== undefined, "a written document has no change");
    return { ...document, seq };
  });
}

/** Completes the rows of applied operations with their seq; the answers refer to the same rows. */
function ledgerRowsOf(written: Iterable<RowDraft>, { seqByChange, seqOf }: Numbers): LedgerWrite[] {
  return Array.from(written, ({ row, change }) => {
    if (row.status === "success") {
      const seq = change === null ? seqOf(row.workspaceId) : seqByChange.get(change);
      assertInvariant(seq !== undefined, "an applied operation's change has no seq");
      row.seq = seq;
    }
    return row;
  });
}

function resolvedSeqOf(
  { status, resolvedSeq, workspaceId }: ConflictWrite,
  { seqOf }: Numbers,
): number | null {
  return status === "resolved" ? (resolvedSeq ?? seqOf(workspaceId)) : null;
}

function resultOfAnswer(answer: Answer): BatchWrite["results"][number] {
  if (answer.kind === "unrecorded") return answer.result;
  return resultOf(answer.draft.row, { replayed: answer.replayed });
}

function batchWriteOf(batch: AcceptedBatch, results: BatchWrite["results"]): BatchWrite {
  const { workspaceId, batchId, deviceId, subject, atomic, acceptedAtMs } = batch;
  return { workspaceId, batchId, deviceId, subject, atomic, acceptedAtMs, results };
}

function settledReplyOf({ row }: RowDraft): SettledReply {
  const { workspaceId, deviceId, batchId } = row;
  return { workspaceId, deviceId, batchId, result: resultOf(row, { replayed: false }) };
}

/** The writes and moves of the runs' operations that are not yet in their place. */
function runsOf(written: readonly WrittenConflict[]): Pick<WindowPlan, "heldMoves" | "heldWrites"> {
  const heldMoves: HeldMove[] = [];
  const heldWrites: HeldWrite[] = [];
  for (const { conflict, run } of written) {
    const { workspaceId, conflictId } = conflict;
    run.held.forEach((held, index) => {
      const place = run.unread + index;
      if ("batchId" in held) heldWrites.push({ workspaceId, conflictId, place, ...held });
      else if (held.conflictId !== conflictId || held.place !== place) {
        const from = { conflictId: held.conflictId, place: held.place };
        heldMoves.push({ workspaceId, ...from, toConflictId: conflictId, toPlace: place });
      }
    });
  }
  return { heldMoves, heldWrites };
}
