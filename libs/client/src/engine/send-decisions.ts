import type { OutcomeRow, DecisionRow } from "../core/rows.ts";
import { move } from "../core/draft.ts";
import type { OutcomeCode } from "../public/outcomes.ts";
import { DONE, type Attempt, type StepEnd } from "./engine-context.ts";

/** A decision that is still being applied is sent again after that time. */
const ASK_MS = 5_000;

/**
 * Sends people's decisions. Each has a `client_id` from when it was made, so that it may be repeated, and the version
 * that the person saw. One that comes too late ends with an outcome.
 */
export async function sendDecisions(attempt: Attempt): Promise<StepEnd> {
  const { parts, mirror, memory, workspace } = attempt;
  if (memory.decisionsAtMs > parts.clock.nowMs()) return DONE;
  for (const decision of mirror.row.decisions) {
    if (attempt.isOver()) return DONE;
    const { conflictId, choice, clientId: client_id, data, version } = decision;
    const body = {
      choice,
      client_id,
      ...(data === undefined ? {} : { data }),
      ...(version === undefined ? {} : { expected_version: version }),
    };
    const answer = await parts.requests.call((transport, context) =>
      transport.decide({ workspace, conflictId, body }, context),
    );
    memory.progressAtMs = parts.clock.nowMs();
    if (answer.kind === "ok") {
      const [result] = answer.body.results;
      if (result?.status === "pending") {
        memory.decisionsAtMs = parts.clock.nowMs() + ASK_MS;
        continue;
      }
      const isApplied = result?.status === "success";
      await endDecision(attempt, decision, isApplied ? "applied" : "refused", result?.error);
      continue;
    }
    if (answer.kind === "outdated") {
      await endDecision(attempt, decision, "outdated", answer.detail);
    } else if (answer.kind === "notFound" || answer.kind === "invalid" || answer.kind === "protocol") {
      await endDecision(attempt, decision, "refused", answer.detail);
    } else return { kind: "failed", failure: answer };
  }
  return DONE;
}

/** Removes a decision, and has the operations that it decided ask again. */
async function endDecision(
  attempt: Attempt,
  decision: DecisionRow,
  code: OutcomeCode,
  reason?: string,
): Promise<void> {
  await attempt.commit((draft) => {
    draft.row = { ...draft.row, decisions: draft.row.decisions.filter(({ id }) => id !== decision.id) };
    const outcome: OutcomeRow = {
      id: decision.id,
      n: draft.outcomeN,
      workspace: draft.workspace,
      code,
      operations: [],
      failing: 0,
      conflictId: decision.conflictId,
      ...(reason === undefined ? {} : { reason }),
      atMs: draft.nowMs,
      acknowledged: code === "applied",
      steps: [{ atMs: decision.createdAtMs, step: "decided" }],
    };
    if (code !== "applied") {
      draft.outcomes.push(outcome);
      draft.outcomeN += 1;
    }
    draft.news.push({ kind: "settled", ids: [decision.id], outcome });
    for (const operation of draft.outbox.values()) {
      const isDecided = operation.state === "parked" && operation.conflictId === decision.conflictId;
      if (isDecided) move(draft, operation, "askAgain");
    }
  });
}
