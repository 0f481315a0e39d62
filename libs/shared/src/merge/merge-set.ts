import type { Json } from "../document/json.ts";
import { mergeOrder } from "./merge-order.ts";
import type { EditedSides, Side } from "./sides.ts";
import type { Intern } from "./interner.ts";
import { sortInserts, type MergedItems } from "./sort-inserts.ts";

/**
 * Merges arrays that are sets: items that either side added are in, items that either side removed are out, and no
 * item is in twice. Sets never overlap; `prefer` only affects the order.
 *
 * @param sides - a missing `ancestor` makes the merge two-way: no item then counts as removed.
 */
export function mergeSet(
  { ancestor, remote, local }: EditedSides<readonly Json[]>,
  prefer: Side,
  intern: Intern,
): Json[] {
  const itemByToken = new Map<number, Json>();
  const collect = (items: readonly Json[]) => {
    const tokens = items.map(intern);
    tokens.forEach((token, index) => itemByToken.set(token, items[index] ?? null));
    return new Set(tokens);
  };
  const [inAncestor, inRemote, inLocal] = [ancestor && collect(ancestor), collect(remote), collect(local)];
  const { order } = mergeOrder(
    { ancestor: inAncestor && [...inAncestor], remote: [...inRemote], local: [...inLocal] },
    prefer,
  );
  const stays = (token: number) => !inAncestor?.has(token) || (inRemote.has(token) && inLocal.has(token));
  const merged: MergedItems = { items: [], origins: [] };
  for (const token of order.filter(stays)) {
    merged.items.push(itemByToken.get(token) ?? null);
    const isInsert = !inAncestor?.has(token) && inRemote.has(token) !== inLocal.has(token);
    merged.origins.push(isInsert ? (inRemote.has(token) ? "remote" : "local") : undefined);
  }
  return sortInserts(merged);
}
