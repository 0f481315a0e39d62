import {
  assertInvariant,
  documentKey,
  type AcceptedBatch,
  type AcceptedOperation,
  type ConflictStrategy,
  type LaneEntry,
  type OperationResult,
  type Resolution,
  type LedgerRow,
  resultOf,
} from "@syncline/shared";
import { judgeOperation } from "./judge-operation.ts";
import { settleResolution } from "./settle-resolution.ts";
import { WindowDraft, type LedgerDraft } from "./window-draft.ts";
import type { BatchReply, ConflictRound, SettledReply, WindowPlan } from "./window-plan.ts";
import type { ConflictState, WindowState } from "./window-state.ts";

/** What planning takes from outside, so that it stays pure. */
export interface PlanDeps {
  /** Makes a UUIDv7. */
  newId: () => string;
  /** What is not to be judged but refused, with the reason, by {@link operationPlace} or {@link resolutionPlace}. */
  refusals?: ReadonlyMap<string, string>;
}

/** Names an operation's place in a window, for {@link PlanDeps.refusals}. */
export function operationPlace(batchId: string, position: number): string {
  return `${batchId}/${position}`;
}

/** Names a resolution's place in a window, for {@link PlanDeps.refusals}. */
export function resolutionPlace(resolution: Resolution): string {
  return `${resolution.conflictId}/${resolution.round}`;
}

/** The answer to one operation of a batch: in the ledger, or of this batch alone. */
type Answer =
  { kind: "ledger"; draft: LedgerDraft; replayed: boolean } | { kind: "unrecorded"; result: OperationResult };

/**
 * Decides what a window of a lane does: judges its operations one by one in lane order, as if each had been alone, and
 * gathers what that writes into one transaction. Pure: the same window on the same state gives the same plan, ids apart.
 */
export function planWindow(entries: readonly LaneEntry[], state: WindowState, deps: PlanDeps): WindowPlan {
  const draft = new WindowDraft(state);
  const batches: { batch: AcceptedBatch; answers: Answer[] }[] = [];
  const replays: BatchReply[] = [];
  const rounds: ConflictRound[] = [];
  const settled: LedgerDraft[] = [];

  for (const entry of entries) {
    if (entry.kind === "resolution") {
      const outcome = settleResolution(withRefusal(entry.resolution, deps.refusals), draft, deps.newId);
      settled.push(...outcome.settled);
      if (outcome.round !== undefined) rounds.push(outcome.round);
      continue;
    }
    const { batch } = entry;
    const recorded = state.resultsByBatchId.get(batch.batchId);
    if (recorded !== undefined) {
      replays.push({ replyTo: batch.replyTo, batchId: batch.batchId, results: recorded });
      continue;
    }
    const planned = planBatch(batch, entry.trace, state, draft, deps);
    batches.push({ batch, answers: planned.answers });
    rounds.push(...planned.rounds);
  }
  return assemble(state, draft, batches, replays, rounds, settled);
}

/** A merge that cannot be stored is left to a person, with the reason. */
function withRefusal(resolution: Resolution, refusals: PlanDeps["refusals"]): Resolution {
  const reason = refusals?.get(resolutionPlace(resolution));
  if (reason === undefined) return resolution;
  return { ...resolution, outcome: { kind: "park", reason, proposed: null, overlaps: [] } };
}

function planBatch(
  batch: AcceptedBatch,
  trace: Record<string, string>,
  state: WindowState,
  draft: WindowDraft,
  deps: PlanDeps,
): { answers: Answer[]; rounds: ConflictRound[] } {
  const answers = new Array<Answer>(batch.operations.length);
  const rounds: ConflictRound[] = [];
  for (const unit of unitsOf(batch)) {
    const mark = draft.mark();
    const unitRounds: ConflictRound[] = [];
    let culprit: Answer | undefined;
    for (const operation of unit.operations) {
      const answer = answerOperation(
        { batch, operation, trace, state, draft, deps, grouped: unit.grouped },
        unitRounds,
      );
      answers[operation.position] = answer;
      if (unit.grouped && statusOf(answer) !== "success") {
        culprit = answer;
        break;
      }
    }
    if (culprit === undefined) {
      rounds.push(...unitRounds);
      continue;
    }
    draft.undoTo(mark);
    for (const operation of unit.operations) {
      const answer = answers[operation.position];
      if (answer !== culprit) answers[operation.position] = skip(operation);
      else if (culprit.kind === "ledger" && !culprit.replayed) draft.record(culprit.draft);
    }
  }
  return { answers, rounds };
}

interface Unit {
  grouped: boolean;
  operations: AcceptedOperation[];
}

/** Ingest has brought each group together, so a unit is a run of operations with one group, or a single operation. */
function unitsOf(batch: AcceptedBatch): Unit[] {
  if (batch.atomic) return [{ grouped: true, operations: batch.operations }];
  const units: Unit[] = [];
  for (const operation of batch.operations) {
    const last = units.at(-1);
    if (operation.group !== undefined && last?.operations[0]?.group === operation.group) {
      last.operations.push(operation);
    } else {
      units.push({ grouped: operation.group !== undefined, operations: [operation] });
    }
  }
  return units;
}

interface Case {
  batch: AcceptedBatch;
  operation: AcceptedOperation;
  trace: Record<string, string>;
  state: WindowState;
  draft: WindowDraft;
  deps: PlanDeps;
  grouped: boolean;
}

function answerOperation(on: Case, rounds: ConflictRound[]): Answer {
  const { batch, operation, draft, state, deps } = on;
  const known = draft.ledger(batch.workspaceId, batch.deviceId, operation.clientId);
  if (known !== undefined) {
    if (known.row.fingerprint !== operation.fingerprint) return reusedClientId(operation);
    return { kind: "ledger", draft: known, replayed: known.row.batchId !== batch.batchId };
  }
  const refusal = deps.refusals?.get(operationPlace(batch.batchId, operation.position));
  if (refusal !== undefined) {
    return record(on, { status: "error", errorType: "operation_refused", error: refusal });
  }

  const document = draft.document(batch.workspaceId, operation.collection, operation.documentId);
  const key = documentKey(batch.workspaceId, operation.collection, operation.documentId);
  const behind = draft.unsettledConflict(batch.deviceId, key);
  if (behind !== undefined) return hold(on, behind);

  const versionsKnown = batch.epoch === undefined || batch.epoch === state.epoch;
  const { deviceId, deviceDeclared } = batch;
  const judgement = judgeOperation(operation, document, { deviceId, deviceDeclared, versionsKnown });
  switch (judgement.kind) {
    case "nothing":
      return record(on, { status: "success", version: document?.version ?? 0 });
    case "error":
      return record(on, { status: "error", errorType: judgement.errorType, error: judgement.message });
    case "write": {
      const { change, version } = draft.write({
        workspaceId: batch.workspaceId,
        collection: operation.collection,
        documentId: operation.documentId,
        data: judgement.document,
        deviceId,
        deviceDeclared,
        clientTimestampMs: operation.timestampMs ?? null,
        unit: batch.atomic ? batch.batchId : operation.group && `${batch.batchId}/${operation.group}`,
        operations: 1,
      });
      const row = ledgerRow(on, { status: "success", version });
      const ledgerDraft = { row, change };
      draft.record(ledgerDraft);
      return { kind: "ledger", draft: ledgerDraft, replayed: false };
    }
    case "conflict": {
      const currentVersion = document?.version ?? 0;
      const mismatch = {
        error: judgement.reason,
        errorType: judgement.reasonType,
        expectedVersion: operation.expectedVersion ?? null,
        currentVersion,
      };
      if (on.grouped) return record(on, { status: "conflict", ...mismatch });
      const strategy = batch.onConflict ?? "merge";
      const conflict = openConflict(on, judgement.baseVersion, currentVersion, strategy);
      draft.openConflict(conflict);
      const { conflictId } = conflict;
      if (strategy === "report") return record(on, { status: "conflict", conflictId, ...mismatch });
      rounds.push({ workspaceId: batch.workspaceId, conflictId, round: 1, trace: on.trace });
      return record(on, { status: "pending", conflictId, ...mismatch });
    }
    default:
      return judgement satisfies never;
  }
}

function openConflict(
  on: Case,
  baseVersion: number | null,
  currentVersion: number,
  strategy: ConflictStrategy,
): ConflictState {
  const { batch, operation } = on;
  return {
    workspaceId: batch.workspaceId,
    conflictId: on.deps.newId(),
    collection: operation.collection,
    documentId: operation.documentId,
    deviceId: batch.deviceId,
    deviceDeclared: batch.deviceDeclared,
    status: strategy === "report" ? "reported" : "open",
    strategy,
    round: 1,
    baseVersion,
    currentVersion,
    ancestor: operation.ancestor ?? null,
    operations: [{ ...operation, batchId: batch.batchId }],
    result: null,
    overlapList: null,
    twoWay: null,
    reason: null,
    resolvedVersion: null,
    resolvedSeq: null,
    trace: on.trace,
  };
}

/** An operation never overtakes the device's own conflict on its document: it waits with it, or is refused with it. */
function hold(on: Case, conflict: ConflictState): Answer {
  const { operation, draft, batch } = on;
  const { conflictId, currentVersion } = conflict;
  const mismatch = { conflictId, currentVersion, expectedVersion: operation.expectedVersion ?? null };
  const error = `The device has an unsettled conflict on this document`;
  if (on.grouped) return record(on, { status: "conflict", error, errorType: "behind_conflict", ...mismatch });
  draft.updateConflict({
    ...conflict,
    operations: [...conflict.operations, { ...operation, batchId: batch.batchId }],
  });
  if (conflict.status === "open") return record(on, { status: "pending", ...mismatch });
  return record(on, { status: "conflict", error, errorType: "behind_conflict", ...mismatch });
}

type Recorded = Pick<LedgerRow, "status"> & Partial<LedgerRow>;

/** Records an operation that wrote nothing. */
function record(on: Case, recorded: Recorded): Answer {
  on.draft.endRun(on.batch.workspaceId, on.batch.deviceId);
  const draft = { row: ledgerRow(on, recorded), change: null };
  on.draft.record(draft);
  return { kind: "ledger", draft, replayed: false };
}

function ledgerRow({ batch, operation, trace }: Case, recorded: Recorded): LedgerRow {
  return {
    workspaceId: batch.workspaceId,
    deviceId: batch.deviceId,
    clientId: operation.clientId,
    batchId: batch.batchId,
    fingerprint: operation.fingerprint,
    operation: operation.kind,
    collection: operation.collection,
    documentId: operation.documentId,
    version: null,
    seq: null,
    merged: false,
    overlapCount: null,
    rounds: null,
    error: null,
    errorType: null,
    expectedVersion: null,
    currentVersion: null,
    conflictId: null,
    subject: batch.subject,
    requestId: batch.requestId,
    traceId: trace["traceparent"]?.split("-")[1] ?? null,
    acceptedAtMs: batch.acceptedAtMs,
    ...recorded,
  };
}

function reusedClientId(operation: AcceptedOperation): Answer {
  return {
    kind: "unrecorded",
    result: {
      client_id: operation.clientId,
      status: "error",
      document_id: operation.documentId,
      error: "This client_id was used before with another content",
      error_type: "client_id_reused",
    },
  };
}

function skip(operation: AcceptedOperation): Answer {
  return {
    kind: "unrecorded",
    result: {
      client_id: operation.clientId,
      status: "skipped",
      document_id: operation.documentId,
      error: "Another operation of its group failed",
    },
  };
}

function statusOf(answer: Answer): OperationResult["status"] {
  return answer.kind === "ledger" ? answer.draft.row.status : answer.result.status;
}

/** Numbers the changes, now that their order is known, and lays everything out as rows and answers. */
function assemble(
  state: WindowState,
  draft: WindowDraft,
  batches: readonly { batch: AcceptedBatch; answers: Answer[] }[],
  replays: BatchReply[],
  rounds: ConflictRound[],
  settled: readonly LedgerDraft[],
): WindowPlan {
  const seqByWorkspace = new Map<string, number>();
  const seqOf = (workspaceId: string): number =>
    seqByWorkspace.get(workspaceId) ?? state.workspaceById.get(workspaceId)?.seq ?? 0;
  const seqByChange = new Map<unknown, number>();
  const seqByDocument = new Map<string, number>();
  const changes = draft.changes.map((change) => {
    const seq = seqOf(change.workspaceId) + 1;
    seqByWorkspace.set(change.workspaceId, seq);
    seqByChange.set(change, seq);
    seqByDocument.set(documentKey(change.workspaceId, change.collection, change.documentId), seq);
    const { deviceDeclared, unit: _, ...row } = change;
    return { ...row, deviceId: deviceDeclared ? change.deviceId : null, seq };
  });
  const touchedWorkspaces = new Set<string>([
    ...batches.map(({ batch }) => batch.workspaceId),
    ...draft.touchedConflicts.map((conflict) => conflict.workspaceId),
    ...changes.map((change) => change.workspaceId),
  ]);

  const ledgerRows: LedgerRow[] = [];
  for (const ledger of draft.ledgerDrafts) {
    if (ledger.row.status === "success") {
      const seq = ledger.change === null ? seqOf(ledger.row.workspaceId) : seqByChange.get(ledger.change);
      assertInvariant(seq !== undefined, "an applied operation's change has no seq");
      ledger.row.seq = seq;
    }
    ledgerRows.push(ledger.row);
  }
  const settledConflicts = draft.touchedConflicts.map((conflict) =>
    conflict.status === "resolved" && conflict.resolvedSeq === null
      ? { ...conflict, resolvedSeq: seqOf(conflict.workspaceId) }
      : conflict,
  );

  const batchWrites = batches.map(({ batch, answers }) => ({
    workspaceId: batch.workspaceId,
    batchId: batch.batchId,
    deviceId: batch.deviceId,
    subject: batch.subject,
    atomic: batch.atomic,
    acceptedAtMs: batch.acceptedAtMs,
    replyTo: batch.replyTo,
    results: answers.map((answer) =>
      answer.kind === "unrecorded"
        ? answer.result
        : resultOf(answer.draft.row, { replayed: answer.replayed }),
    ),
  }));
  return {
    workspaces: [...touchedWorkspaces].sort().map((workspaceId) => ({
      workspaceId,
      expectedRevision: state.workspaceById.get(workspaceId)?.revision ?? 0,
      seq: seqOf(workspaceId),
    })),
    documents: [...draft.documents].map((document) => {
      const seq = seqByDocument.get(
        documentKey(document.workspaceId, document.collection, document.documentId),
      );
      assertInvariant(seq !== undefined, "a written document has no change");
      return { ...document, seq };
    }),
    changes,
    ledgerRows,
    batches: batchWrites.map(({ replyTo: _, ...write }) => write),
    conflicts: settledConflicts,
    replies: [
      ...replays,
      ...batchWrites.map(({ replyTo, batchId, results }) => ({ replyTo, batchId, results })),
    ],
    settled: settled.map(({ row }): SettledReply => ({
      workspaceId: row.workspaceId,
      deviceId: row.deviceId,
      result: resultOf(row, { replayed: false }),
    })),
    rounds,
    operationsApplied: ledgerRows.filter((row) => row.status === "success").length,
  };
}
