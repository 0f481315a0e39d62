import { jsonEqual } from "../document/json-equal.ts";
import { depthOf, DOCUMENT_DEPTH_MAX, isJsonObject, type Json, type JsonObject } from "../document/json.ts";
import type { YjsMerge } from "../merge/merge-value.ts";
import { startsYjsState, type YjsPolicy } from "./yjs-places.ts";
import { policyOf, type CollectionPolicy, type Policies } from "../merge/policies.ts";
import type { AcceptedOperation } from "../protocol/lane-entry.ts";
import type { JsonPatchStep } from "../document/json-patch-step.ts";
import { applyEffect } from "./apply-effect.ts";
import { composeMergePatches } from "../document/merge-patch.ts";

/** An operation that waits on its device and was never sent. A sent one may already be known to the server. */
export type UnsentOperation = Pick<
  AcceptedOperation,
  | "clientId"
  | "kind"
  | "collection"
  | "documentId"
  | "data"
  | "patch"
  | "expectedVersion"
  | "ancestor"
  | "timestampMs"
  | "group"
>;

/** One operation that replaces several. */
export interface FoldedOperation {
  /** The folded operation: it has the base of the first, the id of the last, and the newest time. */
  operation: UnsentOperation;
  /** The replaced operations, oldest first. The result of the fold is the result of each. */
  members: UnsentOperation[];
}

/** The handling of Yjs states in documents, given by callers that have Yjs. */
export interface YjsStates {
  /** Merges the stored states into a document that is about to be written. */
  readonly keep: (
    before: JsonObject | null,
    after: JsonObject,
    policy: YjsPolicy,
    patch?: JsonObject,
  ) => JsonObject;
  readonly merge: YjsMerge;
}

interface Rules {
  readonly policy: CollectionPolicy;
  readonly yjs: YjsStates | undefined;
}

/**
 * Folds the queue of one device in one workspace, so that it sends less. Whatever the server's state, the documents
 * become the same as if all operations had been sent at once, and a fold fails only if its last member would have.
 * Operations that no single operation can express exactly stay apart:
 *
 * - Puts, merge patches, and JSON Patches that apply to it fold into a `create` or a `put`.
 * - A later update folds into an update: a merge patch if one patch can express both, a JSON Patch if neither can
 *   fail.
 * - Another `delete` folds into a `delete`; if that names no version, so does the `put` or `create` after it, as a
 *   `put`.
 * - A `delete` folds into no write before it: if there is no document it writes no change, and would leave no
 *   tombstone.
 * - An `update` takes no `put` after it. An `update` without an `ancestor` takes no update that has one: if the
 *   server lacks the document, one is an error and the other is not.
 * - Operations of a group stay as they are, because each is merged separately. Leave out operations that will be
 *   sent as one atomic batch.
 * - No operation folds past another one in between, or if it names a version that the first did not name.
 * - No operation folds if the fold would claim a newer time for its edits: operations of different times fold only
 *   if the later one changes all places of the earlier one again.
 * - Changes that members make and revert are lost in a fold: `last-write-wins` treats such a place as unedited, and
 *   would have reverted it if it knew each step.
 * - A Yjs state folds into a later one at its place; an operation that starts a state anew stays apart.
 *
 * Pure. The sender enforces limits: a fold that outgrows a request can be sent as its members. A document that
 * would be too large only in between is not detected.
 *
 * @param policies - the server's policies, which tell the values that are Yjs states
 * @param yjs - if absent, operations that write a state at the same place stay apart
 */
export function foldOperations(
  queue: readonly UnsentOperation[],
  policies: Policies = {},
  yjs?: YjsStates,
): FoldedOperation[] {
  const folds: FoldedOperation[] = [];
  for (const operation of queue) {
    let last: FoldedOperation = { operation, members: [operation] };
    // The fold of the last two may in turn fold with the operations before them.
    const rules = { policy: policyOf(policies, operation.collection), yjs };
    for (let joined = joinLast(folds.at(-1), last, rules); joined !== undefined;) {
      folds.pop();
      last = joined;
      joined = joinLast(folds.at(-1), last, rules);
    }
    folds.push(last);
  }
  return folds;
}

function joinLast(
  before: FoldedOperation | undefined,
  last: FoldedOperation,
  rules: Rules,
): FoldedOperation | undefined {
  if (before === undefined) return undefined;
  const operation = join(before.operation, last.operation, rules);
  if (operation === undefined) return undefined;
  before.members.push(...last.members);
  return { operation, members: before.members };
}

type Content = Pick<UnsentOperation, "kind" | "data" | "patch">;

function join(first: UnsentOperation, next: UnsentOperation, rules: Rules): UnsentOperation | undefined {
  const isSameDocument = first.collection === next.collection && first.documentId === next.documentId;
  const isGrouped = first.group !== undefined || next.group !== undefined;
  if (!isSameDocument || isGrouped || !startsFrom(first, next)) return undefined;
  if (first.timestampMs !== next.timestampMs && !changesAllAnew(first, next)) return undefined;
  const content = joinContent(first, next, rules);
  if (content === undefined) return undefined;
  const { kind: _kind, data: _data, patch: _patch, timestampMs: _timestampMs, ...base } = first;
  const times = [first, next].flatMap(({ timestampMs }) => timestampMs ?? []);
  const time = times.length === 0 ? {} : { timestampMs: Math.max(...times) };
  return { ...base, ...content, ...time, clientId: next.clientId };
}

/**
 * Reports whether the next operation changes every place that the first one wrote, so that none of them keeps an older time. A
 * place that it writes with the same value keeps the time of the first.
 */
function changesAllAnew(first: UnsentOperation, next: UnsentOperation): boolean {
  if (first.kind === "delete") return true;
  if (first.kind !== "update" || next.kind !== "update") return false;
  if (first.patch !== undefined && next.patch !== undefined) {
    const stepByPath = new Map(next.patch.map((step) => [step.path, step]));
    return first.patch.every((step) => {
      const later = stepByPath.get(step.path);
      if (later === undefined) return false;
      return !("value" in step && "value" in later) || changesAll(step.value, later.value);
    });
  }
  return first.data !== undefined && next.data !== undefined && changesAll(first.data, next.data);
}

/** In an object each member has a time of its own, and in an array each item. */
function changesAll(first: Json, next: Json): boolean {
  if (!isJsonObject(next)) return !(Array.isArray(first) && Array.isArray(next)) && !jsonEqual(first, next);
  if (!isJsonObject(first)) return false;
  return Object.entries(first).every(
    ([key, value]) => Object.hasOwn(next, key) && changesAll(value, next[key] ?? null),
  );
}

/**
 * Reports whether the next operation continues from the result of the first. A version that both name does, once
 * the first has matched it. Version 0, and the version of a `create`, do not: either may write on a tombstone,
 * which has another version.
 */
function startsFrom(first: UnsentOperation, next: UnsentOperation): boolean {
  if (next.expectedVersion === undefined) return true;
  return (
    first.kind !== "create" && next.expectedVersion > 0 && next.expectedVersion === first.expectedVersion
  );
}

function joinContent(first: UnsentOperation, next: UnsentOperation, rules: Rules): Content | undefined {
  switch (first.kind) {
    case "create":
    case "put":
      return next.kind === "put" || next.kind === "update" ? joinWrite(first, next, rules) : undefined;
    case "update": {
      const brings = first.ancestor === undefined && next.ancestor !== undefined;
      return next.kind === "update" && !brings ? joinUpdates(first, next, rules) : undefined;
    }
    case "delete": {
      if (next.kind === "delete") return { kind: "delete" };
      const isAnew = next.kind === "put" || next.kind === "create";
      // A delete that names a version passes on a tombstone of any version, and a put does not.
      if (!isAnew || first.expectedVersion !== undefined) return undefined;
      const data = next.data ?? {};
      return startsState("document", {}, data, rules) ? undefined : { kind: "put", data };
    }
    default:
      return first.kind satisfies never;
  }
}

function joinWrite(first: UnsentOperation, next: UnsentOperation, rules: Rules): Content | undefined {
  const data = first.data ?? {};
  const applied = applyEffect(data, next, undefined, (before, after, patch) =>
    keepStates(before, after, rules, patch),
  );
  if (!applied.ok || applied.document === null) return undefined;
  if (startsState("document", data, applied.document, rules)) return undefined;
  return { kind: first.kind, data: applied.document };
}

function joinUpdates(first: UnsentOperation, next: UnsentOperation, rules: Rules): Content | undefined {
  if (first.data !== undefined && next.data !== undefined) {
    const data = composeMergePatches(first.data, next.data);
    if (data === undefined || startsState("patch", first.data, next.data, rules)) return undefined;
    return { kind: "update", data: keepStates(first.data, data, rules) };
  }
  if (first.patch === undefined || next.patch === undefined) return undefined;
  const patch = [...first.patch, ...next.patch];
  if (!patch.every(cannotFail)) return undefined;
  // A patch is one write: values that its steps put at one place in turn are not merged with each other.
  const [before, after] = [membersOf(first.patch), membersOf(next.patch)];
  const again = Object.fromEntries(Object.entries(after).filter(([key]) => Object.hasOwn(before, key)));
  return startsState("document", {}, again, rules) ? undefined : { kind: "update", patch };
}

function keepStates(
  before: JsonObject | null,
  after: JsonObject,
  { policy, yjs }: Rules,
  patch?: JsonObject,
): JsonObject {
  return yjs === undefined ? after : yjs.keep(before, after, policy, patch);
}

function startsState(
  kind: "document" | "patch",
  first: JsonObject,
  next: JsonObject,
  { policy, yjs }: Rules,
): boolean {
  return startsYjsState(kind, first, next, policy, yjs?.merge);
}

/** The members that a patch adds to the document itself. */
function membersOf(patch: readonly JsonPatchStep[]): JsonObject {
  return Object.fromEntries(
    patch.flatMap((step) => {
      const key = step.path.slice(1).replaceAll("~1", "/").replaceAll("~0", "~");
      return step.op === "add" ? [[key, step.value]] : [];
    }),
  );
}

/** True for adding a member to the document itself, which has no precondition. */
function cannotFail(step: JsonPatchStep): boolean {
  const isMember = step.path.lastIndexOf("/") === 0 && step.path !== "/id";
  return step.op === "add" && isMember && depthOf(step.value) < DOCUMENT_DEPTH_MAX;
}
