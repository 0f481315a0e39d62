import { depthOf, DOCUMENT_DEPTH_MAX, isJsonObject, type JsonObject } from "../json/json.ts";
import { keepYjsStates, startsYjsState } from "../merge/keep-yjs-states.ts";
import { policyOf, type CollectionPolicy, type Policies } from "../policy/policies.ts";
import type { AcceptedOperation } from "../protocol/lane-entry.ts";
import type { JsonPatchStep } from "../protocol/operation.ts";
import { applyOperation } from "./apply-operation.ts";
import { composeMergePatches } from "./merge-patch.ts";

/** An operation that waits on its device and was never sent: what was, the server may know already. */
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

/** One operation that says what several said. */
export interface FoldedOperation {
  /** It starts from what the first of them started from, and has the id of the last and the newest time. */
  operation: UnsentOperation;
  /** What it stands for, oldest first. The answer to it is the answer to each. */
  members: UnsentOperation[];
}

/**
 * Folds the queue of one device in one workspace, so that it sends less. Whatever the server has by then, the documents
 * become what they would have become had all been sent at once, and a fold fails only where its last member would have. What no
 * single operation says exactly stays apart:
 *
 * - Into a `create` or a `put` fold puts, merge patches, and JSON Patches that apply to it.
 * - Into an update folds a later one: merge patches where one patch says both, JSON Patches where neither can fail.
 * - Into a `delete` folds another one, and where it names no version, the `put` or `create` after it, as a `put`.
 * - A `delete` folds into no write before it: where there is no document it writes nothing, and would leave no tombstone.
 * - An `update` takes no `put` after it, nor, if it has no `ancestor`, an update that has one: if the server does not have
 *   the document, one is an error and the other is not.
 * - What belongs to a group stays as it is: there each operation is merged for itself. So keep away what is to be sent as
 *   one atomic batch.
 * - Nothing folds past another operation in between, nor where it names a version that the first did not name.
 * - Nothing folds that is older than the fold would say: what was made at another time folds only into what writes all of its
 *   places anew.
 * - What members change and change back, the fold does not say: `last-write-wins` takes such a place for unedited, and would
 *   have set it back had it been told of each step.
 * - A Yjs state folds into a later one at its place, and what starts a state anew stays apart.
 *
 * Pure. Limits are the sender's matter: a fold that outgrows what a request may hold can be sent as its members. A document
 * that would be too large only in between is not noticed.
 *
 * @param policies - the server's: they say which values are Yjs states
 */
export function foldOperations(
  queue: readonly UnsentOperation[],
  policies: Policies = {},
): FoldedOperation[] {
  const folds: FoldedOperation[] = [];
  for (const operation of queue) {
    let last: FoldedOperation = { operation, members: [operation] };
    // What a fold makes of the last two may in turn fold with what is before them.
    const policy = policyOf(policies, operation.collection);
    for (let joined = joinLast(folds.at(-1), last, policy); joined !== undefined;) {
      folds.pop();
      last = joined;
      joined = joinLast(folds.at(-1), last, policy);
    }
    folds.push(last);
  }
  return folds;
}

function joinLast(
  before: FoldedOperation | undefined,
  last: FoldedOperation,
  policy: CollectionPolicy,
): FoldedOperation | undefined {
  if (before === undefined) return undefined;
  const operation = join(before.operation, last.operation, policy);
  if (operation === undefined) return undefined;
  before.members.push(...last.members);
  return { operation, members: before.members };
}

type Content = Pick<UnsentOperation, "kind" | "data" | "patch">;

function join(
  first: UnsentOperation,
  next: UnsentOperation,
  policy: CollectionPolicy,
): UnsentOperation | undefined {
  const isSameDocument = first.collection === next.collection && first.documentId === next.documentId;
  const isGrouped = first.group !== undefined || next.group !== undefined;
  if (!isSameDocument || isGrouped || !startsFrom(first, next)) return undefined;
  if (first.timestampMs !== next.timestampMs && !writesAllAnew(first, next)) return undefined;
  const content = joinContent(first, next, policy);
  if (content === undefined) return undefined;
  const { kind: _kind, data: _data, patch: _patch, timestampMs: _timestampMs, ...base } = first;
  const times = [first, next].flatMap(({ timestampMs }) => timestampMs ?? []);
  const time = times.length === 0 ? {} : { timestampMs: Math.max(...times) };
  return { ...base, ...content, ...time, clientId: next.clientId };
}

/** Whether the next one writes every place that the first one wrote, so that none of them is older than the next one. */
function writesAllAnew(first: UnsentOperation, next: UnsentOperation): boolean {
  if (first.kind === "delete") return true;
  if (first.kind !== "update" || next.kind !== "update") return false;
  if (first.patch !== undefined && next.patch !== undefined) {
    const written = new Set(next.patch.map(({ path }) => path));
    return first.patch.every(({ path }) => written.has(path));
  }
  return first.data !== undefined && next.data !== undefined && namesAll(first.data, next.data);
}

function namesAll(first: JsonObject, next: JsonObject): boolean {
  return Object.entries(first).every(([key, value]) => {
    const later = Object.hasOwn(next, key) ? next[key] : undefined;
    if (later === undefined) return false;
    return !isJsonObject(later) || (isJsonObject(value) && namesAll(value, later));
  });
}

/**
 * The next one goes on from what the first leaves. A version that both name does so once the first has matched it; 0
 * and the version under a `create` do not: either may write on a tombstone, which has another version.
 */
function startsFrom(first: UnsentOperation, next: UnsentOperation): boolean {
  if (next.expectedVersion === undefined) return true;
  return (
    first.kind !== "create" && next.expectedVersion > 0 && next.expectedVersion === first.expectedVersion
  );
}

function joinContent(
  first: UnsentOperation,
  next: UnsentOperation,
  policy: CollectionPolicy,
): Content | undefined {
  switch (first.kind) {
    case "create":
    case "put":
      return next.kind === "put" || next.kind === "update" ? joinWrite(first, next, policy) : undefined;
    case "update": {
      const brings = first.ancestor === undefined && next.ancestor !== undefined;
      return next.kind === "update" && !brings ? joinUpdates(first, next, policy) : undefined;
    }
    case "delete": {
      if (next.kind === "delete") return { kind: "delete" };
      const isAnew = next.kind === "put" || next.kind === "create";
      // With a version named, a delete is at peace with a tombstone of any version, and a put is not.
      if (!isAnew || first.expectedVersion !== undefined) return undefined;
      const data = next.data ?? {};
      return startsYjsState("document", {}, data, policy) ? undefined : { kind: "put", data };
    }
    default:
      return first.kind satisfies never;
  }
}

function joinWrite(
  first: UnsentOperation,
  next: UnsentOperation,
  policy: CollectionPolicy,
): Content | undefined {
  const data = first.data ?? {};
  const applied = applyOperation(data, next, policy);
  if (!applied.ok || applied.document === null) return undefined;
  if (startsYjsState("document", data, applied.document, policy)) return undefined;
  return { kind: first.kind, data: applied.document };
}

function joinUpdates(
  first: UnsentOperation,
  next: UnsentOperation,
  policy: CollectionPolicy,
): Content | undefined {
  if (first.data !== undefined && next.data !== undefined) {
    const data = composeMergePatches(first.data, next.data);
    if (data === undefined || startsYjsState("patch", first.data, next.data, policy)) return undefined;
    return { kind: "update", data: keepYjsStates(first.data, data, policy) };
  }
  if (first.patch === undefined || next.patch === undefined) return undefined;
  const patch = [...first.patch, ...next.patch];
  if (!patch.every(cannotFail)) return undefined;
  // A patch is one write: what its steps put at one place after the other is not merged.
  const [before, after] = [membersOf(first.patch), membersOf(next.patch)];
  const again = Object.fromEntries(Object.entries(after).filter(([key]) => Object.hasOwn(before, key)));
  return startsYjsState("document", {}, again, policy) ? undefined : { kind: "update", patch };
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

/** Adding a member to the document itself needs nothing to be there. */
function cannotFail(step: JsonPatchStep): boolean {
  const isMember = step.path.lastIndexOf("/") === 0 && step.path !== "/id";
  return step.op === "add" && isMember && depthOf(step.value) < DOCUMENT_DEPTH_MAX;
}
