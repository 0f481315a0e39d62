import { cutText } from "../json/cut-text.ts";
import { jsonEqual } from "../json/json-equal.ts";
import {
  cloneJson,
  DOCUMENT_DEPTH_MAX,
  depthOf,
  isJsonObject,
  type Json,
  type JsonObject,
} from "../json/json.ts";
import { BATCH_BYTES_MAX } from "../protocol/batch.ts";
import type { JsonPatchStep } from "../protocol/operation.ts";

/** The value after a patch, or which step failed and why. */
export type Patched = { ok: true; value: Json } | { ok: false; step: number; message: string };

/**
 * Applies a JSON Patch; neither input is changed, and the result shares with them what no step changes. Only what a
 * document itself holds can be named: nothing that JavaScript's objects, arrays and strings inherit.
 *
 * A short patch that copies or moves can grow a document without end, in size and in depth, so both are bounded.
 * @see RFC 6902
 */
export function applyJsonPatch(value: Json, patch: readonly JsonPatchStep[]): Patched {
  // The empty pointer names the whole value; as a member of this it is a place like any other.
  const root: JsonObject = { "": value };
  const draft: Draft = { root, own: new Set([root]) };
  let carriedChars = 0;
  for (const [index, step] of patch.entries()) {
    if ("from" in step) carriedChars += JSON.stringify(readAt(root, step.from) ?? null).length;
    const message =
      carriedChars > BATCH_BYTES_MAX
        ? `what it copies and moves exceeds ${BATCH_BYTES_MAX} characters`
        : takeStep(draft, step);
    if (message !== undefined) return { ok: false, step: index, message };
  }
  return { ok: true, value: root[""] ?? null };
}

/** A document in the making. Only what is its own may be changed; all else is copied first, as far as a step reaches. */
interface Draft {
  root: JsonObject;
  /** What contains something of its own is its own, too. */
  own: Set<Json>;
}

/** Changes what is below the root. Returns why it could not. */
function takeStep(draft: Draft, step: JsonPatchStep): string | undefined {
  const { root } = draft;
  switch (step.op) {
    case "add":
      return addAt(draft, step.path, step.value);
    case "remove":
      return removeAt(draft, step.path);
    case "replace":
      return removeAt(draft, step.path) ?? addAt(draft, step.path, step.value);
    case "move": {
      const value = readAt(root, step.from);
      if (value === undefined) return nothingAt(step.from);
      if (step.path.startsWith(`${step.from}/`)) return "a value cannot be moved into itself";
      return removeAt(draft, step.from) ?? addAt(draft, step.path, value);
    }
    case "copy": {
      const value = readAt(root, step.from);
      return value === undefined ? nothingAt(step.from) : addAt(draft, step.path, cloneJson(value));
    }
    case "test": {
      const value = readAt(root, step.path);
      if (value === undefined) return nothingAt(step.path);
      return jsonEqual(value, step.value) ? undefined : `the value at ${shown(step.path)} is another one`;
    }
    default:
      return step satisfies never;
  }
}

function addAt(draft: Draft, pointer: string, value: Json): string | undefined {
  const { parent, key, depth } = ownPlaceAt(draft, pointer);
  if (depth + depthOf(value) > DOCUMENT_DEPTH_MAX) {
    return `the result is nested deeper than ${DOCUMENT_DEPTH_MAX} levels`;
  }
  if (Array.isArray(parent)) {
    const index = key === "-" ? parent.length : indexOf(key);
    if (index === undefined || index > parent.length) return `${shown(pointer)} is outside the array`;
    parent.splice(index, 0, value);
    return undefined;
  }
  if (!isJsonObject(parent)) return nothingAt(pointer);
  setMember(parent, key, value);
  return undefined;
}

function removeAt(draft: Draft, pointer: string): string | undefined {
  const { parent, key } = ownPlaceAt(draft, pointer);
  if (memberOf(parent, key) === undefined) return nothingAt(pointer);
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (isJsonObject(parent)) delete parent[key];
  return undefined;
}

function readAt(root: JsonObject, pointer: string): Json | undefined {
  const { parent, key } = placeAt(root, pointer);
  return memberOf(parent, key);
}

interface Place {
  parent: Json | undefined;
  key: string;
  /** How many containers of the document stand above the place. */
  depth: number;
}

function placeAt(root: JsonObject, pointer: string): Place {
  const keys = keysOf(pointer);
  const parent = keys.slice(0, -1).reduce<Json | undefined>(memberOf, root);
  return { parent, key: keys.at(-1) ?? "", depth: keys.length - 1 };
}

/** A place whose parent may be changed. */
function ownPlaceAt({ root, own }: Draft, pointer: string): Place {
  const keys = keysOf(pointer);
  let parent: Json[] | JsonObject = root;
  for (const key of keys.slice(0, -1)) {
    const inner = memberOf(parent, key);
    if (!Array.isArray(inner) && !isJsonObject(inner)) return { parent: inner, key, depth: keys.length - 1 };
    if (own.has(inner)) parent = inner;
    else {
      const copy = Array.isArray(inner) ? [...inner] : Object.fromEntries(Object.entries(inner));
      own.add(copy);
      setMember(parent, key, copy);
      parent = copy;
    }
  }
  return { parent, key: keys.at(-1) ?? "", depth: keys.length - 1 };
}

/** An assignment to `__proto__` would not make a member. */
function setMember(parent: Json[] | JsonObject, key: string, value: Json): void {
  Object.defineProperty(parent, key, { value, enumerable: true, writable: true, configurable: true });
}

function keysOf(pointer: string): string[] {
  return pointer.split("/").map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function memberOf(parent: Json | undefined, key: string): Json | undefined {
  if (Array.isArray(parent)) return parent[indexOf(key) ?? parent.length];
  return isJsonObject(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
}

/** RFC 6901 knows an index in one spelling only: digits, no leading zero. */
function indexOf(key: string): number | undefined {
  return /^(0|[1-9]\d*)$/.test(key) ? Number(key) : undefined;
}

function nothingAt(pointer: string): string {
  return `there is nothing at ${shown(pointer)}`;
}

/** A message is kept in the ledger; a pointer may be megabytes long. */
function shown(pointer: string): string {
  return `"${pointer.length > 200 ? `${cutText(pointer, 200)}…` : pointer}"`;
}
