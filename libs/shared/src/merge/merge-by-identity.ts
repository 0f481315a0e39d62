import type { Json } from "../document/json.ts";
import type { ArrayMerge } from "./array-merge.ts";
import type { ItemIdentities } from "./identify-items.ts";
import { mergeOrder, type Identity } from "./merge-order.ts";
import type { EditedSides } from "./sides.ts";
import type { MergedItems } from "./sort-inserts.ts";

/**
 * Merges arrays whose items have identities: an item stays the same item wherever it moved and however it changed.
 *
 * @param sides - a missing `ancestor` makes the merge two-way.
 */
export function mergeByIdentity(
  sides: EditedSides<readonly Json[]>,
  ids: ItemIdentities,
  { prefer, mergeItem, recordOrderOverlap }: ArrayMerge,
): MergedItems {
  const index = (items: readonly Json[], ids: readonly Identity[]) =>
    new Map(ids.map((id, at) => [id, items[at] ?? null]));
  const ancestor = sides.ancestor && index(sides.ancestor, ids.ancestor ?? []);
  const remote = index(sides.remote, ids.remote);
  const local = index(sides.local, ids.local);
  const { order, overlaps } = mergeOrder(ids, prefer);
  if (overlaps) recordOrderOverlap();
  const merged: MergedItems = { items: [], origins: [] };
  for (const id of order) {
    const versions = { ancestor: ancestor?.get(id), remote: remote.get(id), local: local.get(id) };
    const item = mergeItem(merged.items.length, versions, ids.guessed.has(id));
    if (item === undefined) continue;
    merged.items.push(item);
    const isInsert = versions.ancestor === undefined;
    if (isInsert && versions.local === undefined) merged.origins.push("remote");
    else if (isInsert && versions.remote === undefined) merged.origins.push("local");
    else merged.origins.push(undefined);
  }
  return merged;
}
