import type { JsonObject } from "@syncline/shared/document";
import { policyOf } from "@syncline/shared/merge";
import { accepts, type Decision, type Version } from "@syncline/shared/protocol";
import { keepYjsStates } from "@syncline/shared/yjs";
import type { Case } from "./case.ts";
import type { AtFault } from "./at-fault.ts";
import type { ChangeDraft } from "./change-draft.ts";
import { clientIdOf } from "./device-run.ts";
import type { ConflictWrite, LedgerWrite } from "./window-plan.ts";
import { whyNotStored } from "./why-not-stored.ts";
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
  const { collection, documentId } = operation;
  const current = draft.documents.find(batch.workspaceId, collection, documentId);
  const version = current?.version ?? 0;
  const conflict = draft.conflicts.find(decision.conflictId);
  const outdated = whyOutdated(on, decision, conflict, version);
  if (conflict === undefined || outdated !== undefined) {
    return {
      kind: "decided",
      recorded: {
        status: "conflict",
        error: outdated ?? null,
        errorType: "decision_outdated",
        conflictId: decision.conflictId,
        expectedVersion: operation.expectedVersion ?? decision.version,
        currentVersion: version,
      },
      change: null,
    };
  }
  const policy = policyOf(on.deps.policies ?? {}, collection);
  const before = { version, data: current?.data?.value ?? null };
  const data = keepYjsStates(before.data, operation.data ?? null, policy);
  const fault = whyNotStored(policy, data, before.data);
  if (fault !== undefined) return fault;
  return commitDecision(on, decision, conflict, before, data);
}

/** Writes the document that a person decided on, with the decision, and completes the conflict. */
function commitDecision(
  on: Case,
  { choice, inputs }: Decision,
  conflict: ConflictWrite,
  before: { version: Version; data: JsonObject | null },
  data: JsonObject | null,
): Decided {
  const { batch, operation, draft } = on;
  const { workspaceId, conflictId } = conflict;
  const { collection, documentId } = operation;
  const { change, version } = writeMerge(draft, {
    workspaceId,
    collection,
    documentId,
    data,
    deviceId: batch.deviceId,
    deviceDeclared: batch.deviceDeclared,
    clientTimestampMs: batch.acceptedAtMs,
    policy: policyOf(on.deps.policies ?? {}, collection),
    unit: undefined,
    operations: 1,
  });
  if (conflict.status === "parked") completeRun(on, conflict, { change, version, decided: choice });
  draft.conflicts.decisions.push({
    workspaceId,
    conflictId,
    choice,
    subject: batch.subject,
    clientId: operation.clientId,
    decidedAtMs: batch.acceptedAtMs,
    replacedVersion: before.version,
    replaced: change === null ? null : before.data,
    version,
  });
  draft.conflicts.update(
    "decided",
    conflict.status === "resolved"
      ? conflict
      : {
          ...conflict,
          ancestorView: inputs.ancestor,
          remoteView: before.data,
          localView: inputs.local,
          result: data,
          twoWay: inputs.ancestor === null,
          resolvedVersion: version,
        },
  );
  return { kind: "decided", recorded: { status: "success", version, conflictId, decided: choice }, change };
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
  if (!accepts(conflict.status, "decided")) return "The conflict is being merged";
  // A window writes a record once, so no person has seen the state of a record that this window has touched.
  const isSame = conflict.revision === decision.revision && !draft.conflicts.isWritten(conflict.conflictId);
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
  for (const held of draft.conflicts.run(conflict.conflictId)) {
    const known = draft.ledger.find(conflict.workspaceId, conflict.deviceId, clientIdOf(held));
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
    draft.ledger.record({ row, change: outcome.change });
  }
}
