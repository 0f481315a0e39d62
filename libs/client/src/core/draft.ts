import type { RebaseSettings } from "./view.ts";
import { next } from "./machine.ts";
import { OPERATION_MACHINE, type OperationEvent } from "./operation-machine.ts";
import { nameOf, type DocumentRow, type Operation, type OutcomeRow, type WorkspaceRow } from "./rows.ts";

/** News for the app, told once the commit that they come from has succeeded. */
export type News =
  | { readonly kind: "settled"; readonly ids: readonly string[]; readonly outcome: OutcomeRow }
  | { readonly kind: "merged"; readonly operation: Operation; readonly overlaps: number }
  | { readonly kind: "parked"; readonly operation: Operation }
  | { readonly kind: "folded"; readonly count: number };

/**
 * The rows of a workspace that a commit is about. Core functions replace rows, and never change one: the engine
 * writes those that were replaced, all in one commit.
 */
export interface Draft {
  readonly workspace: string;
  readonly nowMs: number;
  readonly rebase: RebaseSettings;
  row: WorkspaceRow;
  /** The outbox, in order. */
  readonly outbox: Map<number, Operation>;
  readonly documents: Map<string, DocumentRow>;
  readonly outcomes: OutcomeRow[];
  /** The number of the next outcome. */
  outcomeN: number;
  readonly news: News[];
}

export function operationsOf(draft: Draft, of: { collection: string; id: string }): Operation[] {
  return [...draft.outbox.values()].filter(
    (operation) => operation.collection === of.collection && operation.documentId === of.id,
  );
}

/** Moves an operation by its machine. Removes it from the outbox if it is then gone. */
export function move(
  draft: Draft,
  operation: Operation,
  event: OperationEvent,
  change: Partial<Operation> = {},
): void {
  const state = next(OPERATION_MACHINE, operation.state, event);
  if (state === "gone") draft.outbox.delete(operation.n);
  else draft.outbox.set(operation.n, { ...operation, ...change, state });
}

export function documentOf(draft: Draft, collection: string, id: string): DocumentRow {
  return draft.documents.get(nameOf({ collection, id })) ?? newDocument(collection, id);
}

export function newDocument(collection: string, id: string): DocumentRow {
  return {
    collection,
    id,
    base: null,
    heldBack: null,
    ghost: null,
    ancestors: [],
    status: "synced",
    outcomes: [],
    generation: 0,
  };
}
