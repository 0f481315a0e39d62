import { DOCUMENT_VALUES_MAX } from "@syncline/shared/document";
import type { AcceptedBatch, Resolution, StoredEntry } from "@syncline/shared/protocol";
import { answerOperation, recall } from "./answer-operation.ts";
import { skip, statusOf, type Answer } from "./answer.ts";
import { assemblePlan, type AnsweredBatch } from "./assemble-plan.ts";
import { unitsOf } from "./batch-units.ts";
import type { Case, PlanDeps } from "./case.ts";
import { applyResolution } from "./apply-resolution.ts";
import type { RowDraft } from "./ledger-draft.ts";
import { isBeyondMerges } from "./merge-at-once.ts";
import { recordSkipped } from "./record-answer.ts";
import { draftWindow, type WindowDraft } from "./window-draft.ts";
import type { BatchReply, ConflictRound, WindowPlan } from "./window-plan.ts";
import { resolutionPosition } from "./window-positions.ts";
import type { WindowState } from "./window-state.ts";

/**
 * Plans a window of a lane: evaluates its operations one by one in lane order, as if each had been alone, and
 * gathers their writes into one transaction. Pure: the same window on the same state gives the same plan, ids
 * apart.
 */
export function planWindow(entries: readonly StoredEntry[], state: WindowState, deps: PlanDeps): WindowPlan {
  const steps = planWindowSteps(entries, state, deps);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * Plans a window in steps of one operation or one resolution: a plan may take long, and other tasks must get their
 * turn.
 */
export function* planWindowSteps(
  entries: readonly StoredEntry[],
  state: WindowState,
  deps: PlanDeps,
): Generator<undefined, WindowPlan> {
  const draft = draftWindow(state);
  const batches: AnsweredBatch[] = [];
  const plannedBatchIds = new Set<string>();
  const replays: BatchReply[] = [];
  const rounds: ConflictRound[] = [];
  const settled: RowDraft[] = [];

  for (const stored of entries) {
    const { entry } = stored;
    yield;
    if (entry.kind === "resolution") {
      const outcome = applyResolution(withRefusal(entry.resolution, deps.refusals), draft, deps);
      settled.push(...outcome.settled);
      if (outcome.round !== undefined) rounds.push(outcome.round);
      continue;
    }
    const { batch } = entry;
    const recorded = state.resultsByBatchId.get(batch.batchId);
    if (recorded !== undefined) {
      const { workspaceId, replyTo, batchId } = batch;
      replays.push({ workspaceId, replyTo, batchId, results: recorded });
      continue;
    }
    // An append whose reply was lost may have been sent twice.
    if (plannedBatchIds.has(batch.batchId)) continue;
    plannedBatchIds.add(batch.batchId);
    const planned = yield* planBatch(batch, stored, state, draft, deps);
    batches.push({ batch, answers: planned.answers });
    rounds.push(...planned.rounds);
  }
  return assemblePlan(state, draft, { batches, replays, rounds, settled });
}

/**
 * The most values that the merges of a batch may read: those within its groups, which are made immediately. This
 * suffices for a hundred documents of three thousand values, or six of the largest.
 */
const BATCH_MERGE_VALUES_MAX = 20 * DOCUMENT_VALUES_MAX;

/** Parks a merge that cannot be stored, with the reason. */
function withRefusal(resolution: Resolution, refusals: PlanDeps["refusals"]): Resolution {
  const reason = refusals?.get(resolutionPosition(resolution));
  if (reason === undefined) return resolution;
  return { ...resolution, outcome: { kind: "park", reason, proposed: null, overlaps: [] } };
}

function* planBatch(
  batch: AcceptedBatch,
  { id: entryId, answeredId, entry: { trace } }: StoredEntry,
  state: WindowState,
  draft: WindowDraft,
  deps: PlanDeps,
): Generator<undefined, { answers: Answer[]; rounds: ConflictRound[] }> {
  const answers = new Array<Answer>(batch.operations.length);
  const rounds: ConflictRound[] = [];
  const mergeBudget = { left: BATCH_MERGE_VALUES_MAX };
  for (const unit of unitsOf(batch)) {
    draft.undoLog.mark();
    let failing: Answer | undefined;
    const { grouped } = unit;
    const cases = unit.operations.map((operation): Case => {
      return { batch, operation, entryId, answeredId, trace, state, draft, deps, grouped, mergeBudget };
    });
    for (const on of cases) {
      yield;
      const answer = answerOperation(on, rounds);
      answers[on.operation.position] = answer;
      // A plan that lacks history is made again. It continues behind a failure to find all history that it lacks.
      // A group that would merge too much needs none.
      const isFinal = draft.past.missing.size === 0 || isBeyondMerges(answer);
      if (grouped && statusOf(answer) !== "success" && isFinal) {
        failing = answer;
        break;
      }
    }
    // Only a group has a failing operation, and no operation of a group starts a round.
    if (failing === undefined) continue;
    draft.undoLog.undo();
    for (const on of cases) {
      const { operation } = on;
      if (answers[operation.position] === failing) continue;
      // Earlier answers stay: a group undoes only its own operations.
      const before = recall(batch, operation, draft);
      if (before === undefined) answers[operation.position] = recordSkipped(on);
      else answers[operation.position] = before.kind === "ledger" ? before : skip(operation);
    }
    if (failing.kind === "ledger") failing.restore?.();
  }
  return { answers, rounds };
}
