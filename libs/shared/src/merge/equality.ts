import { isJsonObject, type Json } from "../json/json.ts";

/** A comparison that took more steps than this is remembered. */
const STEPS_FORGOTTEN = 32;

/**
 * Makes the function that tells whether two values are the same, the order of an object's keys apart.
 *
 * A merge compares the same values at every level above them, so that what was compared is remembered: comparing takes
 * linear time however deep the documents are. Unlike `jsonEqual` it tells -0 from 0, so that a merge follows the side
 * that changed one to the other.
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
