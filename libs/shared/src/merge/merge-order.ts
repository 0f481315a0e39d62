import { longestIncreasing } from "./longest-increasing.ts";
import type { EditedSides, Side } from "./sides.ts";

/** What an item of an array is known by. */
export type Identity = string | number;

/**
 * Merges the orders of two edited lists of unique identities.
 *
 * Remote's order is the base. What local inserted is put behind the item that precedes it in local's list, after what
 * remote inserted there; what local moved, behind the nearest such item that remote left in its place. An item that both
 * sides moved, or inserted, goes where `prefer` put it.
 *
 * @returns every identity of either side once (deletions are the caller's to decide), and whether both sides moved an
 *   item to different places.
 */
export function mergeOrder<Id extends Identity>(
  { ancestor, remote, local }: EditedSides<readonly Id[]>,
  prefer: Side,
): { order: Id[]; overlaps: boolean } {
  // Without an ancestor the side that is not preferred stands in: then only the preferred side moved anything.
  const reference = ancestor ?? (prefer === "local" ? remote : local);
  const inAncestor = new Set(ancestor);
  const inRemote = new Set(remote);
  const inLocal = new Set(local);
  // An item that one side removed moved nowhere, and is no measure of what moved around it.
  const everywhere = reference.filter((id) => inRemote.has(id) && inLocal.has(id));
  const movedByRemote = findMoved(everywhere, remote);
  const movedByLocal = findMoved(everywhere, local);

  const insertedByBoth = (id: Id) => ancestor && !inAncestor.has(id) && inRemote.has(id) && inLocal.has(id);
  const takesLocalPlace = (id: Id) =>
    (movedByLocal.has(id) && (prefer === "local" || !movedByRemote.has(id))) ||
    (prefer === "local" && insertedByBoth(id));
  /** The merged order as a linked list; `undefined` is its head. */
  const next = new Map<Id | undefined, Id>();
  const placed = new Set<Id>();
  let last: Id | undefined;
  for (const id of remote) {
    if (takesLocalPlace(id)) continue;
    next.set(last, id);
    placed.add(id);
    last = id;
  }

  const insertedByRemote = (id: Id | undefined): id is Id =>
    id !== undefined && !inAncestor.has(id) && !inLocal.has(id);
  let before: Id | undefined;
  let beforeUnmoved: Id | undefined;
  for (const id of local) {
    if (!placed.has(id)) {
      let at = movedByLocal.has(id) ? beforeUnmoved : before;
      for (let after = next.get(at); insertedByRemote(after); after = next.get(at)) at = after;
      const after = next.get(at);
      next.set(at, id);
      if (after !== undefined) next.set(id, after);
      placed.add(id);
    }
    before = id;
    if (!movedByRemote.has(id) || takesLocalPlace(id)) beforeUnmoved = id;
  }

  const order: Id[] = [];
  for (let id = next.get(undefined); id !== undefined; id = next.get(id)) order.push(id);
  const movedAlike = (id: Id) => movedByRemote.has(id) === movedByLocal.has(id);
  const disagrees = findMoved(remote.filter(movedAlike), local.filter(movedAlike)).size > 0;
  return { order, overlaps: disagrees && [...movedByLocal].some((id) => movedByRemote.has(id)) };
}

/** The fewest identities that must have moved to turn one order into the other. */
function findMoved<Id extends Identity>(from: readonly Id[], to: readonly Id[]): Set<Id> {
  const positionById = new Map(from.map((id, position) => [id, position]));
  const common = to.filter((id) => positionById.has(id));
  const stayed = new Set(
    longestIncreasing(common.map((id) => positionById.get(id) ?? 0)).map((i) => common[i]),
  );
  return new Set(common.filter((id) => !stayed.has(id)));
}
