import { policyOf } from "@syncline/shared/merge";
import { documentKey, type AcceptedBatch, type AcceptedOperation } from "@syncline/shared/protocol";
import { expired, reusedClientId, skippedOtherwise, statusOf, stillMerging, type Answer } from "./answer.ts";
import { applyDecision } from "./apply-decision.ts";
import { unitOf, type Case } from "./case.ts";
import { collide } from "./collide.ts";
import { evaluateOperation, type Evaluation } from "./evaluate-operation.ts";
import { isExpired } from "./is-expired.ts";
import { fail, fingerprintInGroup, recordUnwritten, recordWritten } from "./record-answer.ts";
import { stayBehind } from "./stay-behind.ts";
import type { WindowDraft } from "./window-draft.ts";
import type { ConflictRound, ConflictWrite } from "./window-plan.ts";
import { operationPosition } from "./window-positions.ts";

/** Answers an operation: as before if it was sent before, behind its device's conflict if there is one, or anew. */
export function answerOperation(on: Case, rounds: ConflictRound[]): Answer {
  const { batch, operation, draft, state, deps } = on;
  const known = recall(batch, operation, draft);
  if (known !== undefined) {
    const isWaiting = known.kind === "ledger" && statusOf(known) === "pending";
    return on.grouped && isWaiting ? stillMerging(operation, known.draft) : known;
  }
  const expires = operation.replay === undefined;
  const ledger = { retentionMs: deps.ledgerRetentionMs, droppedToMs: state.ledgerDroppedToMs };
  if (expires && isExpired(operation.clientId, batch.acceptedAtMs, ledger)) {
    return expired(operation);
  }
  const refusal = deps.refusals?.get(operationPosition(batch.batchId, operation.position));
  if (refusal !== undefined) return fail(on, "operation_refused", refusal);

  if (operation.decision !== undefined) {
    const decided = applyDecision(on, operation.decision);
    if (decided.kind === "error") return fail(on, decided.errorType, decided.message);
    const { recorded, change } = decided;
    return change === null ? recordUnwritten(on, recorded) : recordWritten(on, recorded, change);
  }
  const behind = conflictBefore(on);
  if (behind !== undefined) return stayBehind(on, behind);
  return answerEvaluated(on, evaluate(on), rounds);
}

/**
 * Returns the earlier answer to an operation, or an error if its `client_id` was used for another one. An operation that
 * was skipped has no answer yet, but must come again with its group: alone it would take effect without the others.
 */
export function recall(
  batch: AcceptedBatch,
  operation: AcceptedOperation,
  draft: WindowDraft,
): Answer | undefined {
  const known = draft.ledger.find(batch.workspaceId, batch.deviceId, operation.clientId);
  if (known === undefined) return undefined;
  if (known.row.status === "skipped") {
    const isSame = known.row.fingerprint === fingerprintInGroup(batch, operation);
    return isSame ? undefined : skippedOtherwise(operation);
  }
  if (known.row.fingerprint !== operation.fingerprint) return reusedClientId(operation);
  if (operation.replay && known.row.status === "error" && known.row.batchId !== batch.batchId) {
    return undefined;
  }
  return { kind: "ledger", draft: known, replayed: known.row.batchId !== batch.batchId };
}

/** The device's conflict on the document that an operation must not overtake, if any. */
function conflictBefore({ batch, operation, draft, answeredId }: Case): ConflictWrite | undefined {
  const key = documentKey(batch.workspaceId, operation.collection, operation.documentId);
  return (
    draft.conflicts.unsettled(batch.deviceId, key) ??
    draft.conflicts.refusing(batch.deviceId, key, answeredId)
  );
}

function evaluate({ batch, operation, draft, state, deps }: Case): Evaluation {
  const document = draft.documents.find(batch.workspaceId, operation.collection, operation.documentId);
  return evaluateOperation(operation, document, {
    deviceId: batch.deviceId,
    deviceDeclared: batch.deviceDeclared,
    versionsKnown: batch.epoch === undefined || batch.epoch === state.epoch,
    policy: policyOf(deps.policies ?? {}, operation.collection),
  });
}

function answerEvaluated(on: Case, evaluation: Evaluation, rounds: ConflictRound[]): Answer {
  const { batch, operation, draft, deps } = on;
  switch (evaluation.kind) {
    case "nothing": {
      const document = draft.documents.find(batch.workspaceId, operation.collection, operation.documentId);
      return recordUnwritten(on, { status: "success", version: document?.version ?? 0 });
    }
    case "error":
      return fail(on, evaluation.errorType, evaluation.message);
    case "write": {
      const { change, version } = draft.documents.write({
        workspaceId: batch.workspaceId,
        collection: operation.collection,
        documentId: operation.documentId,
        data: evaluation.data,
        timesAt: evaluation.timesAt,
        places: evaluation.places,
        deviceId: batch.deviceId,
        deviceDeclared: batch.deviceDeclared,
        clientTimestampMs: operation.timestampMs ?? null,
        policy: policyOf(deps.policies ?? {}, operation.collection),
        unit: unitOf(on),
        operations: 1,
      });
      return recordWritten(on, { status: "success", version }, change);
    }
    case "conflict":
      return collide(on, evaluation, rounds);
    default:
      return evaluation satisfies never;
  }
}
