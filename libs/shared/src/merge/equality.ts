import { isJsonObject, type Json } from "../document/json.ts";

/** Comparisons that take more steps than this are remembered. */
const STEPS_FORGOTTEN = 32;

/**
 * Creates a comparison of two values that ignores the order of an object's keys.
 *
 * A merge compares the same values at every level above them, so results are remembered: comparing takes linear
 * time, however deep the documents are. Unlike `jsonEqual`, it distinguishes -0 from 0, so that a merge follows the
 * side that changed one to the other.
 */
export function createEquality(): (a: Json | undefined, b: Json | undefined) => boolean {
  const known = new Map<object, Map<object, boolean>>();
  let steps = 0;
  const isSame = (a: Json | undefined, b: Json | undefined): boolean => {
    steps++;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return Object.is(a, b);
    if (a === b) return true;
    const before = known.get(a)?.get(b);
    if (before !== undefined) return before;
    const start = steps;
    const same = isSameContainer(a, b);
    if (steps - start > STEPS_FORGOTTEN) {
      const byOther = known.get(a) ?? new Map<object, boolean>();
      known.set(a, byOther.set(b, same));
    }
    return same;
  };
  const isSameContainer = (a: Json, b: Json): boolean => {
    if (Array.isArray(a)) {
      return Array.isArray(b) && a.length === b.length && a.every((item, index) => isSame(item, b[index]));
    }
    if (!isJsonObject(a) || !isJsonObject(b)) return false;
    const keys = Object.keys(a);
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]))
    );
  };
  return isSame;
}
