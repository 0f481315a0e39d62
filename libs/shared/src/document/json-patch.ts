import { cutText } from "./cut-text.ts";
import { DOCUMENT_BYTES_MAX, DOCUMENT_VALUES_MAX } from "./document-size.ts";
import { jsonEqual } from "./json-equal.ts";
import { countIn, countOut, rememberSize, sizeOf, type JsonSize } from "./json-size.ts";
import {
  DOCUMENT_DEPTH_MAX,
  copyObject,
  depthOf,
  isJsonObject,
  memberOf,
  setMember,
  type Json,
  type JsonObject,
} from "./json.ts";
import type { JsonPatchStep } from "./json-patch-step.ts";
import { spend, TOO_COSTLY, type Budget } from "./budget.ts";

/**
 * The value after a patch, or the failing step and the reason. `costly` is true if the patch would have exceeded
 * its budget.
 */
export type Patched =
  { ok: true; value: Json } | { ok: false; step: number; message: string; costly: boolean };

/**
 * Applies a JSON Patch. Neither input is changed, and the result shares the values that no step changes. A pointer
 * only reaches the document's own members, and no inherited properties of JavaScript's objects, arrays and strings.
 *
 * A short patch can name a large value many times, so no step walks a value: a copy is made by reference, sizes are
 * counted as members come and go, and a container is copied only if a step changes it while another place shares
 * it. The budget pays for these copies.
 * @see RFC 6902
 */
export function applyJsonPatch(value: Json, patch: readonly JsonPatchStep[], budget: Budget): Patched {
  // The empty pointer names the whole value; as a member of this object it is an ordinary place.
  const root: JsonObject = { "": value };
  const draft: Draft = { root, own: new Map([[root, { ...sizeOf(root) }]]), budget };
  for (const [index, step] of patch.entries()) {
    const message = takeStep(draft, step);
    if (message !== undefined) return { ok: false, step: index, message, costly: message === TOO_COSTLY };
  }
  for (const [container, size] of draft.own) rememberSize(container, size);
  return { ok: true, value: root[""] ?? null };
}

type Container = Json[] | JsonObject;

/** The factor by which a document may exceed the limits of its size between two steps of a patch. */
const BETWEEN = 10;
/** The number of array items that are copied, or shifted, for the work of copying one member of an object. */
const ITEMS_A_VALUE = 16;
const ITEMS_SHIFTED_A_VALUE = 2_048;

/** A document while steps are applied. */
interface Draft {
  root: JsonObject;
  /**
   * Containers that no other place shares, with their sizes; these may be changed. One counts only if all its
   * holders are in this map, too. Sharing a value therefore only requires removing that value itself.
   */
  own: Map<Container, JsonSize>;
  budget: Budget;
}

/** Applies a step below the root. Returns the reason if it fails. */
function takeStep(draft: Draft, step: JsonPatchStep): string | undefined {
  const { root } = draft;
  switch (step.op) {
    case "add":
      return addAt(draft, step.path, step.value);
    case "remove":
      return removeAt(draft, step.path);
    case "replace":
      return replaceAt(draft, step.path, step.value);
    case "move": {
      const value = readAt(root, step.from);
      if (value === undefined) return nothingAt(step.from);
      if (step.path.startsWith(`${step.from}/`)) return "a value cannot be moved into itself";
      return removeAt(draft, step.from) ?? addAt(draft, step.path, value);
    }
    case "copy": {
      const value = readAt(root, step.from);
      if (value === undefined) return nothingAt(step.from);
      share(draft, value);
      return addAt(draft, step.path, value);
    }
    case "test": {
      const value = readAt(root, step.path);
      if (value === undefined) return nothingAt(step.path);
      return hasValue(draft, value, step.value)
        ? undefined
        : `the value at ${shown(step.path)} differs from the tested one`;
    }
    default:
      return step satisfies never;
  }
}

/** Compares only values of equal size, which takes no longer than the patch itself is long. */
function hasValue(draft: Draft, value: Json, expected: Json): boolean {
  const [one, other] = [sizeIn(draft, value), sizeOf(expected)];
  return one.values === other.values && one.bytes === other.bytes && jsonEqual(value, expected);
}

function addAt(draft: Draft, pointer: string, value: Json): string | undefined {
  const place = ownPlaceAt(draft, pointer);
  if (place === undefined) return TOO_COSTLY;
  const { parent, key, holders } = place;
  const tooDeep = whyTooDeep(draft, value, holders.length - 1);
  if (tooDeep !== undefined) return tooDeep;
  if (Array.isArray(parent)) {
    const index = key === "-" ? parent.length : indexOf(key);
    if (index === undefined || index > parent.length) return `${shown(pointer)} is outside the array`;
    if (!spend(draft.budget, shiftCost(parent, index))) return TOO_COSTLY;
    parent.splice(index, 0, value);
    return recount(draft, holders, { key: undefined, before: undefined, after: value });
  }
  if (!isJsonObject(parent)) return nothingAt(pointer);
  const before = memberOf(parent, key);
  setMember(parent, key, value);
  return recount(draft, holders, { key, before, after: value });
}

function removeAt(draft: Draft, pointer: string): string | undefined {
  const place = ownPlaceAt(draft, pointer);
  if (place === undefined) return TOO_COSTLY;
  const { parent, key, holders } = place;
  const before = innerOf(parent, key);
  if (before === undefined) return nothingAt(pointer);
  if (Array.isArray(parent)) {
    if (!spend(draft.budget, shiftCost(parent, Number(key)))) return TOO_COSTLY;
    parent.splice(Number(key), 1);
    return recount(draft, holders, { key: undefined, before, after: undefined });
  }
  if (isJsonObject(parent)) delete parent[key];
  return recount(draft, holders, { key, before, after: undefined });
}

/** Replaces an array's item in place: removing and inserting it would move all items behind it. */
function replaceAt(draft: Draft, pointer: string, value: Json): string | undefined {
  const place = ownPlaceAt(draft, pointer);
  if (place === undefined) return TOO_COSTLY;
  const { parent, key, holders } = place;
  const before = innerOf(parent, key);
  if (before === undefined) return nothingAt(pointer);
  if (!Array.isArray(parent)) return removeAt(draft, pointer) ?? addAt(draft, pointer, value);
  const tooDeep = whyTooDeep(draft, value, holders.length - 1);
  if (tooDeep !== undefined) return tooDeep;
  parent[Number(key)] = value;
  return recount(draft, holders, { key: undefined, before, after: value });
}

/** Returns the reason if a value nests too deep. The counted depth may be too high, so a walk confirms it. */
function whyTooDeep(draft: Draft, value: Json, depth: number): string | undefined {
  const { depthMax, values } = sizeIn(draft, value);
  if (depth + depthMax <= DOCUMENT_DEPTH_MAX) return undefined;
  if (!spend(draft.budget, values)) return TOO_COSTLY;
  return depth + depthOf(value) > DOCUMENT_DEPTH_MAX
    ? `the result is nested deeper than ${DOCUMENT_DEPTH_MAX} levels`
    : undefined;
}

/** A member that was added, removed or replaced. */
interface MemberChange {
  key: string | undefined;
  before: Json | undefined;
  after: Json | undefined;
}

/** Updates the sizes of all holders after a change of the last one. */
function recount(
  draft: Draft,
  holders: readonly Container[],
  { key, before, after }: MemberChange,
): string | undefined {
  const sizes = holders.map((holder) => draft.own.get(holder)).filter((size) => size !== undefined);
  const changed = sizes.pop();
  if (changed === undefined) return undefined;
  const { values, bytes } = changed;
  if (before !== undefined) countOut(changed, key, sizeIn(draft, before));
  if (after !== undefined) countIn(changed, key, sizeIn(draft, after));
  for (const [level, size] of sizes.entries()) {
    size.values += changed.values - values;
    size.bytes += changed.bytes - bytes;
    size.depthMax = Math.max(size.depthMax, changed.depthMax + sizes.length - level);
  }
  const whole = sizes[0] ?? changed;
  const grown = whole.values > BETWEEN * DOCUMENT_VALUES_MAX || whole.bytes > BETWEEN * DOCUMENT_BYTES_MAX;
  return grown ? TOO_COSTLY : undefined;
}

function readAt(root: JsonObject, pointer: string): Json | undefined {
  return keysOf(pointer).reduce<Json | undefined>(innerOf, root);
}

interface Place {
  parent: Json | undefined;
  key: string;
  /** The containers around the place, from the root on. The parent is the last one, if it is a container. */
  holders: Container[];
}

/** Finds a place and makes its parent changeable; returns `undefined` if the copy would exceed the budget. */
function ownPlaceAt(draft: Draft, pointer: string): Place | undefined {
  const { root, own } = draft;
  const keys = keysOf(pointer);
  let parent: Container = root;
  const holders: Container[] = [parent];
  for (const key of keys.slice(0, -1)) {
    const inner = innerOf(parent, key);
    if (!Array.isArray(inner) && !isJsonObject(inner)) return { parent: inner, key, holders };
    if (own.has(inner)) parent = inner;
    else {
      const copy = copyOf(draft, inner);
      if (copy === undefined) return undefined;
      if (Array.isArray(parent)) parent[Number(key)] = copy;
      else if (isJsonObject(parent)) setMember(parent, key, copy);
      parent = copy;
    }
    holders.push(parent);
  }
  return { parent, key: keys.at(-1) ?? "", holders };
}

/** Copies a container that other places share. Its members are shared from now on. */
function copyOf(draft: Draft, container: Container): Container | undefined {
  const size = sizeIn(draft, container);
  if (!spend(draft.budget, Array.isArray(container) ? size.width / ITEMS_A_VALUE : size.width))
    return undefined;
  const copy: Container = isJsonObject(container) ? copyObject(container) : container.slice();
  // Before the first copy the root is the only own container.
  if (draft.own.size > 1) for (const inner of Object.values(container)) share(draft, inner);
  draft.own.set(copy, { ...size });
  return copy;
}

/** Records that another place has the value, too. */
function share({ own }: Draft, value: Json | undefined): void {
  if (typeof value !== "object" || value === null) return;
  const size = own.get(value);
  if (size === undefined) return;
  rememberSize(value, size);
  own.delete(value);
}

function sizeIn({ own }: Draft, value: Json): Readonly<JsonSize> {
  return (typeof value === "object" && value !== null ? own.get(value) : undefined) ?? sizeOf(value);
}

/** The work of moving the items behind an index, which are moved as one block. */
function shiftCost(items: readonly Json[], index: number): number {
  return (items.length - index) / ITEMS_SHIFTED_A_VALUE;
}

function keysOf(pointer: string): string[] {
  return pointer.split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function innerOf(parent: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(parent)) return parent[indexOf(key) ?? parent.length];
  return isJsonObject(parent) ? memberOf(parent, key) : undefined;
}

/** Parses an index: RFC 6901 allows only digits without a leading zero. */
function indexOf(key: string): number | undefined {
  return /^(0|[1-9]\d*)$/.test(key) ? Number(key) : undefined;
}

function nothingAt(pointer: string): string {
  return `there is no value at ${shown(pointer)}`;
}

/** Shortens a pointer for a message: the ledger keeps messages, and a pointer may be megabytes long. */
function shown(pointer: string): string {
  return `"${pointer.length > 200 ? `${cutText(pointer, 200)}…` : pointer}"`;
}
