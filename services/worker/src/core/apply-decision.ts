import { isNewlyTooLarge, TOO_LARGE, type JsonObject } from "@syncline/shared/document";
import { policyOf } from "@syncline/shared/merge";
import type { Decision, Version } from "@syncline/shared/protocol";
import { keepYjsStates } from "@syncline/shared/yjs";
import type { Case } from "./case.ts";
import type { AtFault } from "./evaluate-operation.ts";
import { clientIdOf, type ChangeDraft } from "./window-draft.ts";
import type { ConflictWrite, LedgerWrite } from "./window-plan.ts";
import { writeMerge } from "./write-merge.ts";

/** The outcome of a decision: its fields for the ledger, and its change, if any. */
export interface Decided {
  kind: "decided";
  recorded: Pick<LedgerWrite, "status"> & Partial<LedgerWrite>;
  change: ChangeDraft | null;
}

/**
 * Applies a person's decision on a conflict, if the document and the record are unchanged since: of two concurrent
 * decisions one wins, and the other is answered with the current state. It counts as one version of the document. A
 * record that was already resolved keeps its resolution; the decision is added to it.
 */
export function applyDecision(on: Case, decision: Decision): Decided | AtFault {
  const { batch, operation, draft } = on;
  const { workspaceId, deviceId, deviceDeclared } = batch;
  const { collection, documentId } = operation;
  const current = draft.document(workspaceId, collection, documentId);
  const before = current?.version ?? 0;
  const conflict = draft.conflict(decision.conflictId);
  const outdated = whyOutdated(on, decision, conflict, before);
  if (conflict === undefined || outdated !== undefined) {
    return {
      kind: "decided",
      recorded: {
        status: "conflict",
        error: outdated ?? null,
        errorType: "decision_outdated",
        conflictId: decision.conflictId,
        expectedVersion: operation.expectedVersion ?? decision.version,
        currentVersion: before,
      },
      change: null,
    };
  }

  const policy = policyOf(on.deps.policies ?? {}, collection);
  const remote = current?.data?.value ?? null;
  const data: JsonObject | null = keepYjsStates(remote, operation.data ?? null, policy);
  if (isNewlyTooLarge(data, remote)) {
    return { kind: "error", errorType: "document_too_large", message: TOO_LARGE };
  }
  const { change, version } = writeMerge(draft, {
    workspaceId,
    collection,
    documentId,
    data,
    deviceId,
    deviceDeclared,
    clientTimestampMs: batch.acceptedAtMs,
    policy,
    unit: undefined,
    operations: 1,
  });
  if (conflict.status === "parked") completeRun(on, conflict, { change, version, decided: decision.choice });
  draft.decisions.push({
    workspaceId,
    conflictId: conflict.conflictId,
    choice: decision.choice,
    subject: batch.subject,
    clientId: operation.clientId,
    decidedAtMs: batch.acceptedAtMs,
    replacedVersion: before,
    replaced: change === null ? null : remote,
    version,
  });
  const { inputs } = decision;
  draft.updateConflict(
    conflict.status === "resolved"
      ? conflict
      : {
          ...conflict,
          status: "resolved",
          ancestorView: inputs.ancestor,
          remoteView: remote,
          localView: inputs.local,
          result: data,
          twoWay: inputs.ancestor === null,
          resolvedVersion: version,
        },
  );
  const { conflictId } = conflict;
  const recorded = { status: "success", version, conflictId, decided: decision.choice } as const;
  return { kind: "decided", recorded, change };
}

function whyOutdated(
  { operation, draft }: Case,
  decision: Decision,
  conflict: ConflictWrite | undefined,
  version: Version,
): string | undefined {
  const expected = operation.expectedVersion ?? decision.version;
  if (expected !== version)
    return `The decision was made on version ${expected}, but the document is now at version ${version}`;
  if (decision.version !== version) return `The document has moved to version ${version}`;
  if (conflict === undefined) return "The conflict's record is gone";
  if (conflict.status === "open") return "The conflict is being merged";
  // A window writes a record once, so no person has seen the state of a record that this window has touched.
  const isSame = conflict.revision === decision.revision && !draft.isTouched(conflict.conflictId);
  if (isSame) return undefined;
  return `The conflict's record has changed since the decision was made: it is ${conflict.status} now`;
}

/**
 * Resolves the run behind a parked conflict with the decision. Operations that a reported conflict refused stay
 * refused: their device decides by itself. A row that the ledger no longer has needs no answer.
 */
function completeRun(
  { draft }: Case,
  conflict: ConflictWrite,
  outcome: { change: ChangeDraft | null } & Pick<LedgerWrite, "version" | "decided">,
): void {
  for (const held of draft.run(conflict.conflictId)) {
    const known = draft.ledger(conflict.workspaceId, conflict.deviceId, clientIdOf(held));
    if (known === undefined) continue;
    const row: LedgerWrite = {
      ...known.row,
      status: "success",
      version: outcome.version,
      merged: true,
      decided: outcome.decided,
      overlapCount: conflict.overlapCount ?? null,
      rounds: conflict.round,
      error: null,
      errorType: null,
    };
    draft.record({ row, change: outcome.change });
  }
}
