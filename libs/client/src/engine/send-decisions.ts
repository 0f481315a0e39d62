import { endDecision } from "../core/end-decision.ts";
import type { DecisionRow } from "../core/rows.ts";
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
      await settle(attempt, decision, isApplied ? "applied" : "refused", result?.error);
      continue;
    }
    if (answer.kind === "outdated") {
      await settle(attempt, decision, "outdated", answer.detail);
    } else if (answer.kind === "notFound" || answer.kind === "invalid" || answer.kind === "protocol") {
      await settle(attempt, decision, "refused", answer.detail);
    } else return { kind: "failed", failure: answer };
  }
  return DONE;
}

/** Ends a decision, and has the operations that it decided ask again. */
async function settle(
  attempt: Attempt,
  decision: DecisionRow,
  code: OutcomeCode,
  reason?: string,
): Promise<void> {
  await attempt.commit((draft) => {
    endDecision(draft, decision, code, reason);
    for (const operation of draft.outbox.values()) {
      const isDecided = operation.state === "parked" && operation.conflictId === decision.conflictId;
      if (isDecided) move(draft, operation, "askAgain");
    }
  });
}
