import { foldOperations, type UnsentOperation } from "@syncline/shared/effects";
import type { Effect } from "../public/outcomes.ts";
import type { Operation } from "./rows.ts";

/** The most steps of a JSON Patch that the server takes. */
const PATCH_STEPS_MAX = 1_000;

/** Operations of one document that one operation replaces; `effect` is `null` if nothing is left to send. */
export interface Fold {
  readonly members: readonly Operation[];
  readonly effect: Effect | null;
}

/**
 * Folds the first operations of a queue of one document, none of which was sent (R5): those up to the edge of a group
 * or to another anchor. Returns the first fold; the rest waits for its answer (R7).
 *
 * @param isNew - nothing of the document was sent or confirmed before the queue
 */
export function foldRun(queue: readonly Operation[], isNew: boolean): Fold {
  const [first] = queue;
  if (first === undefined) throw new Error("Bug in @syncline/client: a fold of no operation");
  if (first.group !== undefined) return { members: [first], effect: first.effect };
  const end = queue.findIndex((operation) => !belongsTo(first, operation));
  const run = end === -1 ? queue : queue.slice(0, end);
  const whole = lastWhole(run);
  if (whole > 0) return foldWhole(run, whole, isNew);
  return foldFirst(run);
}

function belongsTo(first: Operation, { group, anchor, onConflict }: Operation): boolean {
  const isSameAnchor =
    anchor.version === first.anchor.version &&
    (anchor.version === null || anchor.epoch === first.anchor.epoch);
  return group === undefined && onConflict === first.onConflict && isSameAnchor;
}

/** The position of the last operation that makes those before it irrelevant: a deletion, or a whole document. */
function lastWhole(run: readonly Operation[]): number {
  const deletion = run.findLastIndex(({ effect }) => effect.kind === "delete");
  if (deletion !== -1) return deletion;
  const isTimed = run[0]?.onConflict === "last-write-wins";
  return isTimed ? -1 : run.findLastIndex(({ effect }) => effect.kind === "put");
}

function foldWhole(run: readonly Operation[], at: number, isNew: boolean): Fold {
  const members = run.slice(0, at + 1);
  const effect = run[at]?.effect;
  const isCreated = run[0]?.effect.kind === "create";
  if (effect?.kind === "delete") {
    // A document that no one else has seen leaves nothing to delete.
    if (isCreated && isNew) return { members, effect: null };
    return { members, effect };
  }
  const rest = run.slice(at);
  const { members: tail, effect: put } = foldFirst(rest);
  const isPut = put !== null && put.kind === "put";
  return {
    members: [...run.slice(0, at), ...tail],
    effect: isPut && isCreated ? { kind: "create", data: put.data } : put,
  };
}

/** Folds what one operation can say exactly, by the server's own code. */
function foldFirst(run: readonly Operation[]): Fold {
  for (let length = run.length; ; length = Math.ceil(length / 2)) {
    const some = run.slice(0, length);
    const [folded] = foldOperations(some.map(unsent));
    const members = some.slice(0, folded?.members.length ?? 1);
    const effect = folded === undefined ? null : effectOf(folded.operation);
    const isTooLong = effect !== null && "patch" in effect && effect.patch.length > PATCH_STEPS_MAX;
    if (!isTooLong || members.length === 1) return { members, effect };
  }
}

/**
 * Times keep edits apart only if the app chose last-write-wins, for which a place must not get a newer time than that
 * of its edit. Otherwise a run folds whatever places it changes.
 */
function unsent({ n, collection, documentId, effect, onConflict, editedAtMs }: Operation): UnsentOperation {
  return {
    clientId: `${n}`,
    collection,
    documentId,
    ...effect,
    ...(onConflict === "last-write-wins" ? { timestampMs: editedAtMs } : {}),
  };
}

function effectOf({ kind, data = {}, patch }: UnsentOperation): Effect {
  if (kind === "delete") return { kind };
  if (kind === "update") return patch === undefined ? { kind, data } : { kind, patch };
  return { kind, data };
}
