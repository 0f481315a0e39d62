import { assertInvariant, documentKey, resultOf, type AcceptedBatch, type LedgerRow } from "@syncline/shared";
import type { Answer } from "./answer-operation.ts";
import type { LedgerDraft, WindowDraft } from "./window-draft.ts";
import type { BatchReply, ConflictRound, SettledReply, WindowPlan } from "./window-plan.ts";
import type { WindowState } from "./window-state.ts";

/** Numbers the changes, now that their order is known, and lays everything out as rows and answers. */
export function assemblePlan(
  state: WindowState,
  draft: WindowDraft,
  batches: readonly { batch: AcceptedBatch; answers: Answer[] }[],
  replays: BatchReply[],
  rounds: ConflictRound[],
  settled: readonly LedgerDraft[],
): WindowPlan {
  const seqByWorkspace = new Map<string, number>();
  const seqOf = (workspaceId: string): number =>
    seqByWorkspace.get(workspaceId) ?? state.workspaceById.get(workspaceId)?.seq ?? 0;
  const seqByChange = new Map<unknown, number>();
  const seqByDocument = new Map<string, number>();
  const changes = draft.changes.map((change) => {
    const seq = seqOf(change.workspaceId) + 1;
    seqByWorkspace.set(change.workspaceId, seq);
    seqByChange.set(change, seq);
    seqByDocument.set(documentKey(change.workspaceId, change.collection, change.documentId), seq);
    const { deviceDeclared, unit: _, ...row } = change;
    return { ...row, deviceId: deviceDeclared ? change.deviceId : null, seq };
  });
  const touchedWorkspaces = new Set<string>([
    ...batches.map(({ batch }) => batch.workspaceId),
    ...draft.touchedConflicts.map((conflict) => conflict.workspaceId),
    ...changes.map((change) => change.workspaceId),
  ]);

  const ledgerRows: LedgerRow[] = [];
  for (const ledger of draft.ledgerDrafts) {
    if (ledger.row.status === "success") {
      const seq = ledger.change === null ? seqOf(ledger.row.workspaceId) : seqByChange.get(ledger.change);
      assertInvariant(seq !== undefined, "an applied operation's change has no seq");
      ledger.row.seq = seq;
    }
    ledgerRows.push(ledger.row);
  }
  const settledConflicts = draft.touchedConflicts.map((conflict) =>
    conflict.status === "resolved" && conflict.resolvedSeq === null
      ? { ...conflict, resolvedSeq: seqOf(conflict.workspaceId) }
      : conflict,
  );

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
      expectedRevision: state.workspaceById.get(workspaceId)?.revision ?? 0,
      seq: seqOf(workspaceId),
    })),
    documents: [...draft.documents].map((document) => {
      const seq = seqByDocument.get(
        documentKey(document.workspaceId, document.collection, document.documentId),
      );
      assertInvariant(seq !== undefined, "a written document has no change");
      return { ...document, seq };
    }),
    changes,
    ledgerRows,
    batches: batchWrites.map(({ replyTo: _, ...write }) => write),
    conflicts: settledConflicts,
    replies: [
      ...replays,
      ...batchWrites.map(({ replyTo, batchId, results }) => ({ replyTo, batchId, results })),
    ],
    settled: settled.map(({ row }): SettledReply => ({
      workspaceId: row.workspaceId,
      deviceId: row.deviceId,
      result: resultOf(row, { replayed: false }),
    })),
    rounds,
    operationsApplied: ledgerRows.filter((row) => row.status === "success").length,
  };
}
