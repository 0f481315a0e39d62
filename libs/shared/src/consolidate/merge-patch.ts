import { isJsonObject, type Json, type JsonObject } from "../json/json.ts";

/**
 * Applies a JSON Merge Patch to an object; neither input is changed.
 * @see RFC 7396, section 2
 */
export function applyMergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const entries = new Map<string, Json>(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      entries.delete(key);
    } else if (isJsonObject(value)) {
      const inner = entries.get(key);
      entries.set(key, applyMergePatch(isJsonObject(inner) ? inner : {}, value));
    } else {
      entries.set(key, value);
    }
  }
  return Object.fromEntries(entries);
}

/**
 * The patch that does to any object what the two do one after the other, or `undefined` where no Merge Patch does: an
 * object that `next` puts where `first` removed or replaced what was there starts from nothing, and a patch cannot say so.
 */
export function composeMergePatches(first: JsonObject, next: JsonObject): JsonObject | undefined {
  const entries = new Map<string, Json>(Object.entries(first));
  for (const [key, value] of Object.entries(next)) {
    const before = entries.get(key);
    if (before === undefined || !isJsonObject(value)) {
      entries.set(key, value);
      continue;
    }
    const composed = isJsonObject(before) ? composeMergePatches(before, value) : undefined;
    if (composed === undefined) return undefined;
    entries.set(key, composed);
  }
  return Object.fromEntries(entries);
}
