import { spend, type Budget } from "./budget.ts";
import { countIn, countOut, rememberSize, sizeOf } from "../json/json-size.ts";
import { copyObject, isJsonObject, memberOf, setMember, type Json, type JsonObject } from "../json/json.ts";

/**
 * Applies a JSON Merge Patch to an object; neither input is changed. It copies no object that the patch does not name, and
 * counts the size of the outcome from that of the target. The budget pays for the copies, which are
 * never more than the target has members.
 * @see RFC 7396, section 2
 */
export function applyMergePatch(
  target: JsonObject,
  patch: JsonObject,
  budget: Budget = { left: Infinity },
): JsonObject {
  const size = { ...sizeOf(target) };
  spend(budget, size.width);
  const merged = copyObject(target);
  for (const [key, value] of Object.entries(patch)) {
    const before = memberOf(merged, key);
    if (before !== undefined) countOut(size, key, sizeOf(before));
    if (value === null) {
      delete merged[key];
      continue;
    }
    const after = isJsonObject(value)
      ? applyMergePatch(isJsonObject(before) ? before : {}, value, budget)
      : value;
    countIn(size, key, sizeOf(after));
    setMember(merged, key, after);
  }
  rememberSize(merged, size);
  return merged;
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
