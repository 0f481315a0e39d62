import type { PushedResult } from "../ports/transport.ts";
import { move, operationsOf, type Draft } from "./draft.ts";
import { endWith, type End } from "./end-operations.ts";
import { refreshAll } from "./take-changes.ts";
import { nameOf, type Operation } from "./rows.ts";

/** A parked operation asks again after that time, even if no event told of a decision. */
const ASK_AGAIN_MS = 10 * 60_000;

export interface Answered {
  readonly results: readonly PushedResult[];
  readonly batchId?: string;
  readonly requestId?: string;
}

/** The end that a result means for its operation. `undefined`: the answer is not final. */
type Verdict = "success" | "parked" | "pending" | "refused";

/** Reads a result by the table of the operation machine. */
export function verdictOf(result: PushedResult): Verdict {
  const { status, error_type: type, conflict_data: data } = result;
  if (status === "success" || status === "pending") return status;
  if (status !== "conflict") return "refused";
  if (type === "parked") return "parked";
  if (type !== "behind_conflict") return "refused";
  // A resolved record has decided the operation, too: it is asked for again.
  if (data?.conflict_status === "resolved") return "pending";
  return data?.conflict_status === "reported" ? "refused" : "parked";
}

/**
 * Settles results: acknowledges, parks, or ends each unit. Results of operations that have an answer are ignored, but
 * for the decision of one that is parked.
 */
export function settleResults(draft: Draft, answered: Answered): void {
  const byClientId = new Map<string, Operation>();
  for (const operation of draft.outbox.values()) {
    if ((operation.state === "sent" || operation.state === "parked") && operation.wire !== undefined)
      byClientId.set(operation.wire.clientId, operation);
  }
  const resultByN = new Map<number, PushedResult>();
  for (const result of answered.results) {
    const operation = byClientId.get(result.client_id);
    if (operation === undefined) continue;
    if (operation.state === "parked") {
      if (["parked", "pending"].includes(verdictOf(result))) continue;
      move(draft, operation, "askAgain");
    }
    resultByN.set(operation.n, result);
  }
  const names = new Set<string>();
  for (const unit of unitsOf([...resultByN.keys()].flatMap((n) => draft.outbox.get(n) ?? []))) {
    settleUnit(draft, unit, resultByN, answered);
    for (const operation of unit) names.add(nameOf(operation));
  }
  refreshAll(draft, names);
}

/** Puts operations of one group together: a group ends whole (R12). */
export function unitsOf(operations: readonly Operation[]): Operation[][] {
  const units = new Map<string | number, Operation[]>();
  for (const operation of operations) {
    const key = operation.group ?? operation.n;
    units.set(key, [...(units.get(key) ?? []), operation]);
  }
  return [...units.values()];
}

function settleUnit(
  draft: Draft,
  unit: readonly Operation[],
  resultByN: ReadonlyMap<number, PushedResult>,
  answered: Answered,
): void {
  const verdicts = unit.map(({ n }) => verdictOf(resultByN.get(n) ?? { client_id: "", status: "pending" }));
  const isGroup = unit[0]?.group !== undefined;
  const isRefused = verdicts.includes("refused") || (isGroup && verdicts.includes("parked"));
  if (isRefused) {
    refuseUnit(draft, unit, resultByN, answered);
    return;
  }
  for (const [index, operation] of unit.entries()) {
    const result = resultByN.get(operation.n);
    if (result !== undefined) settleOne(draft, operation, result, verdicts[index] ?? "pending", answered);
  }
}

function settleOne(
  draft: Draft,
  operation: Operation,
  result: PushedResult,
  verdict: Verdict,
  { batchId, requestId }: Answered,
): void {
  const ask = requestId === undefined ? {} : { lastRequestId: requestId };
  if (verdict === "pending") {
    // A resolved conflict is not pending in a batch: the operation is sent again.
    const isPending = result.status === "pending" && batchId !== undefined;
    move(draft, operation, "unanswered", { ...ask, ...(isPending ? { batchId } : {}) });
    return;
  }
  const conflictId = result.conflict_id ?? result.conflict_data?.conflict_id;
  const { batchId: _, ...answeredOperation } = operation;
  const known = { ...ask, ...(conflictId === undefined ? {} : { conflictId }) };
  draft.outbox.set(operation.n, answeredOperation);
  if (verdict === "parked") {
    move(draft, answeredOperation, "parked", { ...known, askAtMs: draft.nowMs + ASK_AGAIN_MS });
    if (operation.conflictId === undefined)
      draft.news.push({ kind: "parked", operation: { ...operation, ...known } });
    return;
  }
  const { version, seq = draft.row.knownSeq, merged, decided } = result;
  move(draft, answeredOperation, "success", {
    ...known,
    seq,
    ...(version === undefined ? {} : { version }),
    ...(merged === undefined ? {} : { merged }),
    ...(decided === undefined ? {} : { decided }),
  });
  draft.row = { ...draft.row, knownSeq: Math.max(draft.row.knownSeq, seq) };
  if (version !== undefined) nameVersion(draft, operation, version);
  if (merged === true)
    draft.news.push({
      kind: "merged",
      operation: { ...operation, ...known },
      overlaps: result.overlaps ?? 0,
    });
}

/** Gives the version of an answered own write to the edits that were made on it before the answer (R3). */
function nameVersion(draft: Draft, of: Operation, version: number): void {
  for (const later of operationsOf(draft, { collection: of.collection, id: of.documentId })) {
    if (later.n <= of.n || later.state !== "queued" || later.anchor.own !== true) continue;
    draft.outbox.set(later.n, { ...later, anchor: { version, epoch: draft.row.epoch } });
  }
}

/** Takes a unit out of the outbox in the commit that writes its outcome (R12). */
function refuseUnit(
  draft: Draft,
  some: readonly Operation[],
  resultByN: ReadonlyMap<number, PushedResult>,
  { requestId }: Answered,
): void {
  const group = some[0]?.group;
  const unit =
    group === undefined ? some : [...draft.outbox.values()].filter((operation) => operation.group === group);
  const failing = unit.findIndex(({ n }) => {
    const status = resultByN.get(n)?.status;
    return status === "error" || status === "conflict";
  });
  const failed = unit[Math.max(failing, 0)];
  const result = failed === undefined ? undefined : resultByN.get(failed.n);
  const conflictId = result?.conflict_data?.conflict_id;
  const end: End = {
    code: codeOf(result),
    failing: Math.max(failing, 0),
    ...(result?.error_type === undefined ? {} : { errorType: result.error_type }),
    ...(result?.error === undefined ? {} : { reason: result.error }),
    ...(conflictId === undefined ? {} : { conflictId }),
    ...(result?.error_type === "client_id_expired" ? { mayBeApplied: true } : {}),
    ...(requestId === undefined ? {} : { requestId }),
  };
  endUnit(draft, unit, end);
}

function codeOf(result: PushedResult | undefined): End["code"] {
  if (result?.error_type === "client_id_expired") return "unknown";
  if (result?.status === "error") return "refused";
  return result?.status === "conflict" ? "conflict" : "skipped";
}

/** Ends a unit by a reason that is no result: a refused request, lost access, the app's wish. */
export function endUnit(draft: Draft, unit: readonly Operation[], end: End): void {
  for (const operation of unit) {
    move(draft, operation, operation.state === "sent" && isAnswer(end) ? "refused" : "ended");
  }
  endWith(draft, unit, end);
  refreshAll(draft, unit.map(nameOf));
}

const isAnswer = ({ code }: End): boolean => code !== "accessLost" && code !== "discarded";
