import { policyOf } from "@syncline/shared/merge";
import type { Answer } from "./answer.ts";
import type { Case } from "./case.ts";
import type { Evaluation } from "./evaluate-operation.ts";
import { mergeAtOnce } from "./merge-at-once.ts";
import { newConflict } from "./new-conflict.ts";
import { recordUnwritten } from "./record-answer.ts";
import { reportConflict, type Mismatch } from "./report-conflict.ts";
import type { ConflictRound } from "./window-plan.ts";

/**
 * Answers a conflict. The conflict service merges it; in a group it is merged immediately or fails, because a group
 * cannot wait.
 */
export function collide(
  on: Case,
  evaluation: Extract<Evaluation, { kind: "conflict" }>,
  rounds: ConflictRound[],
): Answer {
  const { batch, operation, draft } = on;
  const document = draft.documents.find(batch.workspaceId, operation.collection, operation.documentId);
  const currentVersion = document?.version ?? 0;
  const mismatch: Mismatch = {
    error: evaluation.reason,
    errorType: evaluation.reasonType,
    expectedVersion: operation.expectedVersion ?? null,
    currentVersion,
  };
  const { strategy: ofPolicy = "merge" } = policyOf(on.deps.policies ?? {}, operation.collection);
  const strategy = operation.onConflict ?? batch.onConflict ?? (on.grouped ? "report" : ofPolicy);
  const started = newConflict(on, { evaluatedBase: evaluation.baseVersion, currentVersion }, strategy);
  if (strategy === "report") return reportConflict(on, started, mismatch);
  if (on.grouped) return mergeAtOnce(on, started, mismatch);

  const { conflict, held } = started;
  draft.conflicts.open("opened", conflict, [held]);
  const { workspaceId, conflictId } = conflict;
  rounds.push({ workspaceId, conflictId, round: 1, trace: on.trace });
  return recordUnwritten(on, { status: "pending", conflictId, ...mismatch });
}
