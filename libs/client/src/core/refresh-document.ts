import { jsonEqual, type JsonObject } from "@syncline/shared/document";
import type { DocumentStatus } from "../public/documents.ts";
import { move, operationsOf, type Draft } from "./draft.ts";
import { endWith, outcomeOf } from "./end-operations.ts";
import { isUndecided, nameOf, type Anchor, type Base, type DocumentRow, type Operation } from "./rows.ts";
import { showsChanges } from "./shows-changes.ts";
import { anchorData, viewOf } from "./view.ts";

/** Replaces the base. Keeps the old one for the operations that were made on it, and as the ghost of a deletion. */
export function raiseBase(row: DocumentRow, operations: readonly Operation[], to: Base): DocumentRow {
  const { base } = row;
  if (base === null || base.data === null || operations.length === 0) {
    return { ...row, base: to, ghost: to.data === null ? row.ghost : null };
  }
  const isAnchor = operations.some(({ anchor }) => isAnchoredTo(anchor, base));
  return {
    ...row,
    base: to,
    ghost: to.data === null ? base : null,
    ancestors: isAnchor ? [...row.ancestors, base] : row.ancestors,
  };
}

function isAnchoredTo(anchor: Anchor, { version, epoch }: Base): boolean {
  return anchor.version === version && anchor.epoch === epoch;
}

/**
 * Brings a document in line with its base and its operations, after one of them has changed: takes in the state that
 * was held back, drops the operations that the base contains, and derives the view and the status anew.
 */
export function refreshDocument(draft: Draft, before: DocumentRow): void {
  let operations = operationsOf(draft, before);
  let row = releaseHeldBack(before, operations);
  for (const operation of operations) {
    if (operation.state === "acked" && isConfirmed(draft, row, operation)) confirm(draft, row, operation);
  }
  // An overruled operation leaves an outcome behind.
  row = { ...row, outcomes: draft.documents.get(nameOf(row))?.outcomes ?? row.outcomes };
  operations = operationsOf(draft, row);
  store(draft, derive(draft, row, operations), operations);
}

/** Takes in what was held back once every answer is there (R9). */
function releaseHeldBack(row: DocumentRow, operations: readonly Operation[]): DocumentRow {
  if (row.heldBack === null || operations.some(({ state }) => state === "sent")) return row;
  return { ...raiseBase(row, operations, row.heldBack), heldBack: null };
}

/**
 * Reports whether the base contains an answered operation (R8). The checkpoint tells it for changes that need no
 * write. While something is held back, only the base's own `seq` does (R10).
 */
function isConfirmed(draft: Draft, row: DocumentRow, { seq = 0 }: Operation): boolean {
  if (row.base !== null && row.base.epoch === draft.row.epoch && row.base.seq >= seq) return true;
  return row.heldBack === null && draft.row.checkpoint !== null && draft.row.checkpoint >= seq;
}

function confirm(draft: Draft, row: DocumentRow, operation: Operation): void {
  move(draft, operation, "confirmed");
  if (operation.decided === "server") {
    endWith(draft, [operation], { code: "overruled", reason: "A person decided for the server's document" });
    return;
  }
  const outcome = outcomeOf(draft, [operation], { code: "applied", anchorOf: row });
  draft.news.push({ kind: "settled", ids: operation.ids, outcome });
}

function derive(draft: Draft, row: DocumentRow, operations: readonly Operation[]): DocumentRow {
  const ancestors = row.ancestors.filter((base) =>
    operations.some(({ anchor }) => isAnchoredTo(anchor, base)),
  );
  const ghost = operations.length === 0 ? null : row.ghost;
  const view = viewOf(row, operations, draft.rebase);
  const { view: _view, shown: _shown, conflictId: _conflictId, ...rest } = row;
  const shown = shownVersion(draft, row, operations) ?? anchorBehindBase(row, operations, view, draft);
  const conflictId = operations.find(isUndecided)?.conflictId;
  const isBase =
    view === null ? row.base?.data == null : row.base?.data != null && jsonEqual(view, row.base.data);
  return {
    ...rest,
    ghost,
    ancestors,
    status: statusOf(row, operations),
    ...(isBase ? {} : { view }),
    ...(shown === undefined ? {} : { shown }),
    ...(conflictId === undefined ? {} : { conflictId }),
  };
}

/**
 * The version that the view shows, if the last answered own write raised it beyond the base: then the server has
 * exactly what the user sees (R3). A merged or decided answer does not count: it has more than that.
 */
function shownVersion(draft: Draft, row: DocumentRow, operations: readonly Operation[]): Anchor | undefined {
  let shown: Anchor | undefined;
  for (const { state, version, merged, decided, wire, effect } of operations) {
    if (state !== "acked" || version === undefined) continue;
    const isKnown = effect.kind !== "update" || wire?.expectedVersion !== undefined;
    if (merged === undefined && decided === undefined && isKnown)
      shown = { version, epoch: wire?.epoch ?? row.base?.epoch ?? draft.row.epoch };
  }
  return shown;
}

/**
 * The anchor of the last operation, if the view hides changes that the base has beyond it: a waiting `put` shows none of
 * them, for example. A further edit that named the base would then overwrite them unseen (R3).
 */
function anchorBehindBase(
  row: DocumentRow,
  operations: readonly Operation[],
  view: JsonObject | null,
  { rebase: { rebase } }: Draft,
): Anchor | undefined {
  const last = operations.at(-1);
  // A merge shows all changes.
  if (last === undefined || rebase !== undefined || last.anchor.version === null) return undefined;
  if (row.base?.data == null || isAnchoredTo(last.anchor, row.base)) return undefined;
  const seen = anchorData(row, last);
  return seen !== undefined && showsChanges(view, seen, row.base.data) ? undefined : last.anchor;
}

/** The status of a document, from what waits for it. */
function statusOf(
  row: DocumentRow,
  operations: readonly Pick<Operation, "state" | "conflictId">[],
): DocumentStatus {
  if (operations.some(isUndecided)) return "conflict";
  if (row.outcomes.length > 0) return "failed";
  if (operations.length === 0) return "synced";
  return (row.base?.data ?? null) === null ? "local" : "modified";
}

/** Keeps the row only while it tells something. */
function store(draft: Draft, row: DocumentRow, operations: readonly Operation[]): void {
  const { base, heldBack, outcomes } = row;
  const isPassed = base?.data === null && base.seq <= (draft.row.checkpoint ?? 0);
  const isEmpty = operations.length === 0 && heldBack === null && outcomes.length === 0;
  if (isEmpty && (base === null || isPassed)) draft.documents.delete(nameOf(row));
  else draft.documents.set(nameOf(row), row);
}
