import type { JsonObject } from "@syncline/shared/document";
import { applyEffect } from "@syncline/shared/effects";
import type { Rebase } from "../public/options.ts";
import type { Effect } from "../public/outcomes.ts";
import type { DocumentRow, Operation } from "./rows.ts";

/** The app's choices that a view depends on. */
export interface RebaseSettings {
  readonly rebase?: Rebase | undefined;
  readonly deleteWins: (collection: string) => boolean;
}

/**
 * Applies an edit to what is shown. An edit that does not fit, such as a patch of a document that is gone, changes
 * nothing: the server decides about it.
 */
export function applyToView(shown: JsonObject | null, effect: Effect, documentId: string): JsonObject | null {
  if (shown === null && effect.kind === "update") return null;
  const applied = applyEffect(shown, { ...effect, documentId });
  return applied.ok ? applied.document : shown;
}

/**
 * Derives the document that the app sees (R2): the base, then each operation in order, acknowledged and parked ones included.
 * An edit of a document that others deleted is applied to the last live base (R11).
 */
export function viewOf(
  row: Pick<DocumentRow, "collection" | "id" | "base" | "ghost" | "ancestors">,
  operations: readonly Operation[],
  settings: RebaseSettings,
): JsonObject | null {
  const base = row.base?.data ?? null;
  const [first] = operations;
  if (first === undefined) return base;
  const start = base ?? ghostOf(row, operations, settings);
  const replay = (document: JsonObject | null, some: readonly Operation[]) =>
    some.reduce((shown, { effect }) => applyToView(shown, effect, row.id), document);
  if (settings.rebase === undefined) return replay(start, operations);
  const { version, epoch } = first.anchor;
  const isSame = (operation: Operation) =>
    operation.anchor.version === version && operation.anchor.epoch === epoch;
  const end = operations.findIndex((operation) => !isSame(operation));
  const run = end === -1 ? operations : operations.slice(0, end);
  const merged = settings.rebase({
    collection: row.collection,
    base: start,
    anchor: anchorData(row, first),
    operations: run.map(({ effect }) => effect),
    replay: (document) => replay(document, run),
  });
  return replay(merged, operations.slice(run.length));
}

/** The last live base under a tombstone, if the first edit is an update of it. */
function ghostOf(
  { ghost, collection }: Pick<DocumentRow, "ghost" | "collection">,
  [first]: readonly Operation[],
  settings: RebaseSettings,
): JsonObject | null {
  return first?.effect.kind === "update" && !settings.deleteWins(collection) ? (ghost?.data ?? null) : null;
}

/** The document that an operation was made on; `undefined` if the device no longer has it. */
export function anchorData(
  row: Pick<DocumentRow, "base" | "ancestors">,
  { anchor }: Pick<Operation, "anchor">,
): JsonObject | null | undefined {
  if (anchor.version === null) return anchor.own ? undefined : null;
  const fits = [...(row.base === null ? [] : [row.base]), ...row.ancestors];
  return fits.find(({ version, epoch }) => version === anchor.version && epoch === anchor.epoch)?.data;
}

/** The document that the app sees in a stored row. */
export function shownOf(row: DocumentRow | undefined): JsonObject | null {
  if (row === undefined) return null;
  return row.view === undefined ? (row.base?.data ?? null) : row.view;
}
