import type { Json } from "@syncline/shared/document";
import { jsonEqual } from "@syncline/shared/document";
import type { ConflictStrategy } from "@syncline/shared/merge";
import type { Effect, Priority } from "../public/outcomes.ts";
import type { Anchor, DocumentRow, Operation } from "./rows.ts";
import { applyToView, shownOf } from "./view.ts";

/** An edit that the app asks for, checked. */
export interface Edit {
  readonly id: string;
  readonly collection: string;
  readonly documentId: string;
  readonly effect: Effect;
  readonly group?: string;
  readonly onConflict?: ConflictStrategy;
  readonly priority: Priority;
  readonly maxRetries: number;
  readonly note?: Json;
}

/**
 * Adds an edit to a document: its outbox row, and the row of the document with the view that has it. Both belong
 * into one commit (R1).
 */
export function writeOperation(
  row: DocumentRow,
  edit: Edit,
  n: number,
  nowMs: number,
): { operation: Operation; row: DocumentRow } {
  const { id, ...content } = edit;
  const operation: Operation = {
    ...content,
    n,
    ids: [id],
    state: "queued",
    anchor: anchorOf(row, edit.effect),
    createdAtMs: nowMs,
    editedAtMs: nowMs,
    attempts: 0,
    blamed: 0,
  };
  const base = row.base?.data ?? null;
  const view = applyToView(shownOf(row), edit.effect, row.id);
  const { view: _, ...rest } = row;
  const isBase = view === base || (view !== null && base !== null && jsonEqual(view, base));
  const status =
    row.status === "conflict" || row.status === "failed" ? row.status : base === null ? "local" : "modified";
  return { operation, row: { ...rest, status, ...(isBase ? {} : { view }) } };
}

/**
 * The version that the user saw (R3): the base's, or that of an answered own write which the view shows. A pull
 * never raises it afterwards, because then edits of others that the user has not seen would be overwritten.
 */
function anchorOf(row: DocumentRow, effect: Effect): Anchor {
  if (effect.kind === "create") return { version: null, epoch: null };
  if (row.shown !== undefined) return row.shown;
  if (row.base !== null && row.base.data !== null)
    return { version: row.base.version, epoch: row.base.epoch };
  if (row.ghost !== null) return { version: row.ghost.version, epoch: row.ghost.epoch };
  return shownOf(row) === null ? { version: null, epoch: null } : { version: null, epoch: null, own: true };
}
