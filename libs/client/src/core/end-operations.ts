import type { Outcome, OutcomeCode } from "../public/outcomes.ts";
import { documentOf, type Draft } from "./draft.ts";
import { nameOf, type DocumentRow, type Operation, type OutcomeRow } from "./rows.ts";
import { anchorData } from "./view.ts";

/** The reason why operations end. */
export interface End extends Partial<
  Pick<Outcome, "errorType" | "reason" | "conflictId" | "mayBeApplied" | "failing">
> {
  readonly code: OutcomeCode;
  readonly requestId?: string;
}

/** Makes the outcome of a unit: one operation, or all of a group. */
export function outcomeOf(
  draft: Draft,
  operations: readonly Operation[],
  { requestId, anchorOf, ...end }: End & { anchorOf?: DocumentRow },
): OutcomeRow {
  const [first] = operations;
  const last = operations.at(-1);
  return {
    ...end,
    id: first?.ids[0] ?? "",
    n: draft.outcomeN,
    workspace: draft.workspace,
    failing: end.failing ?? 0,
    operations: operations.map((operation) => {
      const row = anchorOf ?? documentOf(draft, operation.collection, operation.documentId);
      const anchor = anchorData(row, operation);
      return {
        operationIds: operation.ids,
        collection: operation.collection,
        documentId: operation.documentId,
        effect: operation.effect,
        ...(anchor === undefined ? {} : { anchor }),
        ...(operation.note === undefined ? {} : { note: operation.note }),
      };
    }),
    ...(last?.merged === undefined ? {} : { merged: true }),
    ...(last?.decided === undefined ? {} : { decided: last.decided }),
    atMs: draft.nowMs,
    acknowledged: end.code === "applied",
    steps: [
      { atMs: first?.createdAtMs ?? draft.nowMs, step: "written" },
      ...(first?.wire === undefined ? [] : [{ atMs: first.wire.frozenAtMs, step: "frozen" }]),
      { atMs: draft.nowMs, step: end.code, ...(requestId === undefined ? {} : { requestId }) },
    ],
  };
}

/**
 * Ends operations that have left the outbox with an outcome in the same commit, so that no edit disappears without
 * one (R12). The caller refreshes their documents.
 */
export function endWith(draft: Draft, operations: readonly Operation[], end: End): OutcomeRow {
  const outcome = outcomeOf(draft, operations, end);
  draft.outcomes.push(outcome);
  draft.outcomeN += 1;
  for (const { collection, documentId } of operations) {
    const row = documentOf(draft, collection, documentId);
    if (row.outcomes.includes(outcome.id)) continue;
    draft.documents.set(nameOf(row), { ...row, outcomes: [...row.outcomes, outcome.id] });
  }
  const ids = operations.flatMap((operation) => operation.ids);
  draft.news.push({ kind: "settled", ids, outcome });
  return outcome;
}
