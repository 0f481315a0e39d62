import type { WireOperation } from "../ports/transport.ts";
import { chooseBatch, type BatchLimits, type ChosenBatch } from "./choose-batch.ts";
import { move, operationsOf, type Draft } from "./draft.ts";
import { outcomeOf } from "./end-operations.ts";
import { foldRun } from "./fold-run.ts";
import { refreshAll } from "./take-changes.ts";
import { nameOf, type DocumentRow, type Operation, type WireForm } from "./rows.ts";
import { anchorData } from "./view.ts";

/**
 * Chooses the next batch and freezes it: the wire form of each operation is committed before its first byte leaves, and
 * every later attempt sends it unchanged (R4). Queued operations of a chosen document are folded first (R5). A
 * `client_id` is made here, not at the write: the server refuses ids from before its ledger (R6).
 */
export function freezeBatch(
  draft: Draft,
  deviceId: string,
  limits: BatchLimits,
  makeClientId: () => string,
): ChosenBatch | null {
  for (;;) {
    const chosen = chooseBatch(draft.outbox.values(), deviceId, limits, draft.nowMs);
    if (chosen === null) return null;
    const isEmptied = chosen.operations.some(
      (operation) => operation.state === "queued" && !fold(draft, operation),
    );
    // A creation and its deletion leave nothing to send; others may go in their place.
    if (isEmptied) continue;
    const operations = chosen.operations.map(({ n }) => freezeOne(draft, n, deviceId, makeClientId));
    return { ...chosen, operations };
  }
}

/** Folds the queue of a document into its first operation. Returns `false` if nothing is left of it. */
function fold(draft: Draft, first: Operation): boolean {
  const all = operationsOf(draft, { collection: first.collection, id: first.documentId });
  const queue = all.filter(({ state, n }) => state === "queued" && n >= first.n);
  const base = draft.documents.get(nameOf(first))?.base ?? null;
  const { members, effect } = foldRun(queue, all[0]?.n === first.n && base?.data == null);
  const last = members.at(-1) ?? first;
  for (const member of members.slice(1)) move(draft, member, "foldedAway");
  const ids = members.flatMap((member) => member.ids);
  if (effect === null) {
    move(draft, first, "foldedAway");
    const outcome = outcomeOf(draft, [{ ...first, ids }], { code: "applied" });
    draft.news.push({ kind: "settled", ids, outcome });
    refreshAll(draft, [nameOf(first)]);
    return false;
  }
  if (members.length > 1) draft.news.push({ kind: "folded", count: members.length - 1 });
  draft.outbox.set(first.n, { ...first, ids, effect, editedAtMs: last.editedAtMs });
  return true;
}

function freezeOne(draft: Draft, n: number, deviceId: string, makeClientId: () => string): Operation {
  const operation = draft.outbox.get(n);
  if (operation === undefined) throw new Error(`Bug in @syncline/client: the chosen operation ${n} is gone`);
  if (operation.wire !== undefined) {
    draft.outbox.set(n, { ...operation, attempts: operation.attempts + 1 });
    return operation;
  }
  const { version, epoch } = operation.anchor;
  const wire: WireForm = {
    clientId: makeClientId(),
    deviceId,
    ...(version === null ? {} : { expectedVersion: version }),
    ...(epoch === null ? {} : { epoch }),
    fence: draft.row.knownSeq,
    frozenAtMs: draft.nowMs,
  };
  move(draft, operation, "freeze", { wire, attempts: 1 });
  return { ...operation, state: "sent", wire };
}

/**
 * The operation as it is sent. `ancestor` does not count as content, and is added when the server may no longer have
 * the version: the document is deleted, or the version belongs to another epoch.
 *
 * @param clockSkewMs - the server's clock minus the device's
 */
export function toWire(
  operation: Operation,
  row: DocumentRow | undefined,
  epoch: string | null,
  clockSkewMs: number,
): WireOperation {
  const { wire, effect, collection, documentId, group, priority, editedAtMs } = operation;
  if (wire === undefined) throw new Error(`Bug in @syncline/client: operation ${operation.n} is not frozen`);
  const isOtherEpoch = wire.expectedVersion !== undefined && wire.epoch !== epoch;
  const isGone = row !== undefined && row.base !== null && row.base.data === null;
  const needsAncestor = effect.kind !== "create" && (isOtherEpoch || isGone);
  const ancestor = needsAncestor && row !== undefined ? ancestorOf(row, operation) : null;
  const { kind, ...content } = effect;
  return {
    operation: kind,
    client_id: wire.clientId,
    collection,
    document_id: documentId,
    ...content,
    ...(wire.expectedVersion === undefined ? {} : { expected_version: wire.expectedVersion }),
    ...(ancestor == null ? {} : { ancestor }),
    timestamp: Math.max(0, Math.round(editedAtMs + clockSkewMs)),
    ...(priority === "normal" ? {} : { priority }),
    ...(group === undefined ? {} : { group }),
  };
}

function ancestorOf(row: DocumentRow, operation: Operation) {
  const anchor = anchorData(row, operation);
  return anchor ?? (row.base?.data === null ? row.ghost?.data : undefined);
}
