import { DOCUMENT_VALUES_MAX, type AcceptedBatch, type Resolution, type StoredEntry } from "@syncline/shared";
import { answerOperation, recall, skip, statusOf, type Answer } from "./answer-operation.ts";
import { assemblePlan } from "./assemble-plan.ts";
import { unitsOf } from "./batch-units.ts";
import type { PlanDeps } from "./case.ts";
import { applyResolution } from "./apply-resolution.ts";
import { WindowDraft, type LedgerDraft } from "./window-draft.ts";
import type { BatchReply, ConflictRound, WindowPlan } from "./window-plan.ts";
import { resolutionPosition } from "./window-positions.ts";
import type { WindowState } from "./window-state.ts";

/**
 * Decides what a window of a lane does: judges its operations one by one in lane order, as if each had been alone, and
 * gathers what that writes into one transaction. Pure: the same window on the same state gives the same plan, ids apart.
 */
export function planWindow(entries: readonly StoredEntry[], state: WindowState, deps: PlanDeps): WindowPlan {
  const steps = planWindowSteps(entries, state, deps);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Plans a window one operation, or one resolution, a step: a plan may take long, and others have to get their turn. */
export function* planWindowSteps(
  entries: readonly StoredEntry[],
  state: WindowState,
  deps: PlanDeps,
): Generator<undefined, WindowPlan> {
  const draft = new WindowDraft(state);
  const batches: { batch: AcceptedBatch; answers: Answer[] }[] = [];
  const plannedBatchIds = new Set<string>();
  const replays: BatchReply[] = [];
  const rounds: ConflictRound[] = [];
  const settled: LedgerDraft[] = [];

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
    // An append whose answer got lost may have been sent twice.
    if (plannedBatchIds.has(batch.batchId)) continue;
    plannedBatchIds.add(batch.batchId);
    const planned = yield* planBatch(batch, stored, state, draft, deps);
    batches.push({ batch, answers: planned.answers });
    rounds.push(...planned.rounds);
  }
  return assemblePlan(state, draft, batches, replays, rounds, settled);
}

/**
 * Most values that the merges within a batch may look at: those of a group, which are made where they stand. It is enough to
 * merge a hundred documents of a few thousand values, or a dozen of the largest.
 */
export const BATCH_MERGE_VALUES_MAX = 40 * DOCUMENT_VALUES_MAX;

/** A merge that cannot be stored is left to a person, with the reason. */
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
    const mark = draft.mark();
    let failing: Answer | undefined;
    const { grouped } = unit;
    for (const operation of unit.operations) {
      yield;
      const on = { batch, operation, entryId, answeredId, trace, state, draft, deps, grouped, mergeBudget };
      const answer = answerOperation(on, rounds);
      answers[operation.position] = answer;
      // A plan that lacks history is made once more; what it lacks behind a failure, it is to say as well.
      if (grouped && statusOf(answer) !== "success" && draft.missingHistory.size === 0) {
        failing = answer;
        break;
      }
    }
    // Only a group has a failing, and no operation of a group asks for a round.
    if (failing === undefined) continue;
    draft.undoTo(mark);
    for (const operation of unit.operations) {
      if (answers[operation.position] === failing) continue;
      // What was answered before stays so: a group takes back only what is its own.
      const before = recall(batch, operation, draft);
      answers[operation.position] = before?.kind === "ledger" ? before : skip(operation);
    }
    if (failing.kind === "ledger") failing.restore?.();
  }
  return { answers, rounds };
}
