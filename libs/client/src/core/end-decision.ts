import type { OutcomeCode } from "../public/outcomes.ts";
import type { Draft } from "./draft.ts";
import type { DecisionRow, OutcomeRow } from "./rows.ts";

/** Takes a person's decision out of the workspace's row. One that was not applied leaves an outcome. */
export function endDecision(draft: Draft, decision: DecisionRow, code: OutcomeCode, reason?: string): void {
  const { id, conflictId, createdAtMs } = decision;
  draft.row = { ...draft.row, decisions: draft.row.decisions.filter((other) => other.id !== id) };
  const outcome: OutcomeRow = {
    id,
    n: draft.outcomeN,
    workspace: draft.workspace,
    code,
    operations: [],
    failing: 0,
    conflictId,
    ...(reason === undefined ? {} : { reason }),
    atMs: draft.nowMs,
    acknowledged: code === "applied",
    steps: [{ atMs: createdAtMs, step: "decided" }],
  };
  if (code !== "applied") {
    draft.outcomes.push(outcome);
    draft.outcomeN += 1;
  }
  draft.news.push({ kind: "settled", ids: [id], outcome });
}
