import type { Json } from "../document/json.ts";
import type { ArrayMerge } from "./array-merge.ts";
import { identifyItems } from "./identify-items.ts";
import { mergeByIdentity } from "./merge-by-identity.ts";
import { mergeSequence } from "./merge-sequence.ts";
import type { EditedSides } from "./sides.ts";
import { sortInserts } from "./sort-inserts.ts";

/**
 * Merges arrays: by identity if a key identifies items, or if items without one moved; otherwise as sequences.
 *
 * @param sides - a missing `ancestor` makes the merge two-way.
 */
export function mergeArray(
  sides: EditedSides<readonly Json[]>,
  arrayKeys: readonly string[],
  merge: ArrayMerge,
): Json[] {
  const byKey = identifyItems(sides, arrayKeys, merge.intern, false);
  if (byKey) return sortInserts(mergeByIdentity(sides, byKey, merge));
  const sequence = mergeSequence(sides, merge);
  if (sequence) return sortInserts(sequence);
  const byContent = identifyItems(sides, [], merge.intern, true);
  return byContent ? sortInserts(mergeByIdentity(sides, byContent, merge)) : [];
}
