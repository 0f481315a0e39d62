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
