import { isJsonObject, type Json, type JsonObject } from "../json/json.ts";
import type { ArrayMerge } from "./array-merge.ts";
import { mergeOrder, type Identity } from "./merge-order.ts";
import type { EditedSides } from "./sides.ts";

/** The items of an array, in its order, by what they are known by. */
export type ItemById = ReadonlyMap<Identity, JsonObject>;

/** Indexes an array by a key, or returns `undefined` unless every item is an object with a value of its own there. */
export function indexByKey(items: readonly Json[], key: string): ItemById | undefined {
  const itemById = new Map<Identity, JsonObject>();
  for (const item of items) {
    if (!isJsonObject(item) || !Object.hasOwn(item, key)) return undefined;
    const id = item[key];
    if ((typeof id !== "string" && typeof id !== "number") || itemById.has(id)) return undefined;
    itemById.set(id, item);
  }
  return itemById;
}

/**
 * Merges arrays whose items have identities: an item is the same item wherever it moved and however it changed.
 *
 * @param sides - the indexed arrays; no `ancestor` makes the merge two-way.
 */
export function mergeByIdentity(
  sides: EditedSides<ItemById>,
  { prefer, mergeItem, recordOrderOverlap }: ArrayMerge,
): Json[] {
  const { ancestor, remote, local } = sides;
  const { order, overlaps } = mergeOrder(
    {
      ancestor: ancestor && [...ancestor.keys()],
      remote: [...remote.keys()],
      local: [...local.keys()],
    },
    prefer,
  );
  if (overlaps) recordOrderOverlap();
  const merged: Json[] = [];
  for (const id of order) {
    const item = mergeItem(merged.length, {
      ancestor: ancestor?.get(id),
      remote: remote.get(id),
      local: local.get(id),
    });
    if (item !== undefined) merged.push(item);
  }
  return merged;
}
