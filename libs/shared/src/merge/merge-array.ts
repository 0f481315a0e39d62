import type { Json } from "../json/json.ts";
import type { ArrayMerge } from "./array-merge.ts";
import { indexByKey, mergeByIdentity } from "./merge-by-identity.ts";
import { mergeSequence } from "./merge-sequence.ts";
import type { EditedSides } from "./sides.ts";

/**
 * Merges arrays: by identity where every item, on every side, carries one of the keys with a value of its own, else as
 * sequences.
 *
 * @param sides - no `ancestor` makes the merge two-way.
 */
export function mergeArray(
  sides: EditedSides<readonly Json[]>,
  arrayKeys: readonly string[],
  merge: ArrayMerge,
): Json[] {
  for (const key of arrayKeys) {
    const ancestor = sides.ancestor && indexByKey(sides.ancestor, key);
    const remote = indexByKey(sides.remote, key);
    const local = indexByKey(sides.local, key);
    if (remote && local && (ancestor || !sides.ancestor)) {
      return mergeByIdentity({ ancestor, remote, local }, merge);
    }
  }
  return mergeSequence(sides, merge);
}
