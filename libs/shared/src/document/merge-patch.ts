import { spend, type Budget } from "./budget.ts";
import { countIn, countOut, rememberSize, sizeOf } from "./json-size.ts";
import { copyObject, isJsonObject, memberOf, setMember, type Json, type JsonObject } from "./json.ts";

/**
 * Applies a JSON Merge Patch to an object; neither input is changed. It copies only objects that the patch names,
 * and computes the size of the result from that of the target. The budget pays for the copies, which are never more
 * than the target has members.
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
 * Returns the patch with the same effect as two patches in turn, or `undefined` if no merge patch has it: an object
 * that `next` puts in place of a value that `first` removed or replaced starts empty, which a patch cannot express.
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
