import {
  assertInvariant,
  documentKey,
  resultOf,
  type AcceptedBatch,
  type WorkspaceId,
} from "@syncline/shared/protocol";
import type { Answer } from "./answer-operation.ts";
import type { LedgerDraft, RunDraft, WindowDraft } from "./window-draft.ts";
import type {
  BatchReply,
  ConflictRound,
  ConflictWrite,
  HeldMove,
  HeldWrite,
  LedgerWrite,
  SettledReply,
  WindowPlan,
} from "./window-plan.ts";
import type { WindowState } from "./window-state.ts";

/** Numbers the changes, now that their order is known, and assembles all rows and answers. */
export function assemblePlan(
  state: WindowState,
  draft: WindowDraft,
  batches: readonly { batch: AcceptedBatch; answers: Answer[] }[],
  replays: BatchReply[],
  rounds: ConflictRound[],
  settled: readonly LedgerDraft[],
): WindowPlan {
  const seqByWorkspace = new Map<string, number>();
  const seqOf = (workspaceId: WorkspaceId): number =>
    seqByWorkspace.get(workspaceId) ?? state.workspaceById.get(workspaceId)?.seq ?? 0;
  const seqByChange = new Map<unknown, number>();
  const seqByDocument = new Map<string, number>();
  const lastSeqByUnit = new Map<string, number>();
  const numbered = draft.changes.map((change) => {
    const seq = seqOf(change.workspaceId) + 1;
    seqByWorkspace.set(change.workspaceId, seq);
    seqByChange.set(change, seq);
    seqByDocument.set(documentKey(change.workspaceId, change.collection, change.documentId), seq);
    const { deviceDeclared, unit, before: _, timesAt: __, ...row } = change;
    if (unit !== undefined) lastSeqByUnit.set(unit, seq);
    return { ...row, unit, deviceId: deviceDeclared ? change.deviceId : null, seq };
  });
  const touched = draft.touchedConflicts;
  const touchedWorkspaces = new Set<string>([
    ...batches.map(({ batch }) => batch.workspaceId),
    ...touched.map(({ conflict }) => conflict.workspaceId),
    ...numbered.map((change) => change.workspaceId),
  ]);

  const ledgerRows: LedgerWrite[] = [];
  for (const ledger of draft.ledgerDrafts) {
    if (ledger.row.status === "success") {
      const seq = ledger.change === null ? seqOf(ledger.row.workspaceId) : seqByChange.get(ledger.change);
      assertInvariant(seq !== undefined, "an applied operation's change has no seq");
      ledger.row.seq = seq;
    }
    ledgerRows.push(ledger.row);
  }
  const revisionOf = (workspaceId: WorkspaceId) => state.workspaceById.get(workspaceId)?.revision ?? 0;
  const conflicts = touched.map(({ conflict }) => ({
    ...conflict,
    resolvedSeq:
      conflict.status === "resolved" ? (conflict.resolvedSeq ?? seqOf(conflict.workspaceId)) : null,
    revision: revisionOf(conflict.workspaceId) + 1,
  }));

  const batchWrites = batches.map(({ batch, answers }) => ({
    workspaceId: batch.workspaceId,
    batchId: batch.batchId,
    deviceId: batch.deviceId,
    subject: batch.subject,
    atomic: batch.atomic,
    acceptedAtMs: batch.acceptedAtMs,
    replyTo: batch.replyTo,
    results: answers.map((answer) =>
      answer.kind === "unrecorded"
        ? answer.result
        : resultOf(answer.draft.row, { replayed: answer.replayed }),
    ),
  }));
  return {
    workspaces: [...touchedWorkspaces].sort().map((workspaceId) => ({
      workspaceId,
      expectedRevision: revisionOf(workspaceId),
      seq: seqOf(workspaceId),
    })),
    documents: [...draft.documents].map((document) => {
      const seq = seqByDocument.get(
        documentKey(document.workspaceId, document.collection, document.documentId),
      );
      assertInvariant(seq !== undefined, "a written document has no change");
      return { ...document, seq };
    }),
    changes: numbered.map(({ unit, ...change }) => ({
      ...change,
      groupEndSeq: unit === undefined ? null : (lastSeqByUnit.get(unit) ?? null),
    })),
    ledgerRows,
    batches: batchWrites.map(({ replyTo: _, ...write }) => write),
    conflicts,
    decisions: draft.decisions.map((decision) => ({
      ...decision,
      revision: revisionOf(decision.workspaceId) + 1,
    })),
    ...runsOf(touched),
    replies: [
      ...replays,
      ...batchWrites.map(({ workspaceId, replyTo, batchId, results }) => ({
        workspaceId,
        replyTo,
        batchId,
        results,
      })),
    ],
    settled: settled.map(({ row }): SettledReply => ({
      workspaceId: row.workspaceId,
      deviceId: row.deviceId,
      batchId: row.batchId,
      result: resultOf(row, { replayed: false }),
    })),
    rounds,
    missingHistory: [...draft.missingHistory.values()],
    operationsApplied: ledgerRows.filter((row) => row.status === "success").length,
    roundsTaken: draft.roundsTaken,
  };
}

/** The writes and moves of the runs' operations that are not yet in their place. */
function runsOf(
  touched: readonly { conflict: ConflictWrite; run: RunDraft }[],
): Pick<WindowPlan, "heldMoves" | "heldWrites"> {
  const heldMoves: HeldMove[] = [];
  const heldWrites: HeldWrite[] = [];
  for (const { conflict, run } of touched) {
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
