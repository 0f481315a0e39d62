import {
  isJsonObject,
  jsonEqual,
  memberOf,
  setMember,
  sizeOf,
  type Json,
  type JsonObject,
  type JsonPatchStep,
} from "@syncline/shared/document";
import type { Effect } from "../public/outcomes.ts";

/** The share of the document beyond which an edit is sent as the whole document. */
const WHOLE_SHARE = 0.6;

/**
 * Finds the edit that makes one document of another; `null` if they are equal. Arrays go whole: the server merges
 * them by the identity of their items, which indexes would get wrong. A merge patch says it, unless a value is set to
 * `null`; then a JSON Patch of object members does.
 */
export function diffDocuments(before: JsonObject, after: JsonObject): Effect | null {
  const steps: JsonPatchStep[] = [];
  const patch = diffObjects(before, after, "", steps);
  if (steps.length === 0) return null;
  const isNullSet = steps.some((step) => step.op === "add" && setsNull(step.value));
  const effect: Effect = isNullSet ? { kind: "update", patch: steps } : { kind: "update", data: patch };
  const bytes = sizeOf("patch" in effect ? effect.patch : effect.data).bytes;
  return bytes > WHOLE_SHARE * sizeOf(after).bytes ? { kind: "put", data: after } : effect;
}

function diffObjects(
  before: JsonObject,
  after: JsonObject,
  path: string,
  steps: JsonPatchStep[],
): JsonObject {
  const patch: JsonObject = {};
  for (const key of Object.keys(before)) {
    if (Object.hasOwn(after, key)) continue;
    steps.push({ op: "remove", path: `${path}/${escape(key)}` });
    setMember(patch, key, null);
  }
  for (const [key, value] of Object.entries(after)) {
    const old = memberOf(before, key);
    if (old !== undefined && jsonEqual(old, value)) continue;
    const place = `${path}/${escape(key)}`;
    if (old !== undefined && isJsonObject(old) && isJsonObject(value)) {
      setMember(patch, key, diffObjects(old, value, place, steps));
      continue;
    }
    steps.push({ op: "add", path: place, value });
    setMember(patch, key, value);
  }
  return patch;
}

/** Reports whether a merge patch would take a `null` within the value for a removal. */
function setsNull(value: Json): boolean {
  if (value === null) return true;
  return isJsonObject(value) && Object.values(value).some(setsNull);
}

function escape(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Sets members of a document, level by level; `null` is a value, and arrays go whole. */
export function assignDeep(document: JsonObject, change: JsonObject): JsonObject {
  const result: JsonObject = { ...document };
  for (const [key, value] of Object.entries(change)) {
    const old = memberOf(document, key);
    setMember(result, key, isJsonObject(value) && isJsonObject(old) ? assignDeep(old, value) : value);
  }
  return result;
}
