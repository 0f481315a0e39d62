import { combineOrders, turnsAsMuch } from "./combine-orders.ts";
import { longestIncreasing } from "./longest-increasing.ts";
import type { EditedSides, Side, Sides } from "./sides.ts";

/** The identity of an array's item. */
export type Identity = number;

type Lists = EditedSides<readonly Identity[]>;

/** The merged order of every identity of either side, and whether both sides moved an item to different places. */
interface MergedOrder {
  readonly order: Identity[];
  readonly overlaps: boolean;
}

/**
 * Merges the orders of two edited lists of unique identities. Deletions are left to the caller.
 *
 * Each side's moves are kept; if both moved the same item to different places, the preferred side's order wins. An
 * item that one side inserted stays behind the nearest item before it that the other side left in its place,
 * remote's first. A list that already has all changes of the other is kept as it is, so that a merged list can be
 * merged again.
 */
export function mergeOrder(lists: Lists, prefer: Side): MergedOrder {
  const other = prefer === "local" ? "remote" : "local";
  for (const side of [prefer, other] as const) {
    if (hasAllChanges(lists, side, prefer)) {
      return { order: insertRest(lists, side), overlaps: false };
    }
  }
  return weave(lists, prefer);
}

/** Reports whether a side's list already has all changes of the other list, at the same places. */
function hasAllChanges({ ancestor, remote, local }: Lists, side: Side, prefer: Side): boolean {
  if (!ancestor) return false;
  const [more, less] = side === "remote" ? [remote, local] : [local, remote];
  const [inAncestor, inMore, inLess] = [new Set(ancestor), new Set(more), new Set(less)];
  if (!less.every((id) => inAncestor.has(id) || inMore.has(id))) return false;
  if (!ancestor.every((id) => inLess.has(id) || !inMore.has(id))) return false;
  const isCommon = (id: Identity) => inAncestor.has(id) && inMore.has(id) && inLess.has(id);
  if (!turnsAsMuch(ancestor.filter(isCommon), less.filter(isCommon), more.filter(isCommon))) return false;
  // An item that both sides moved, or inserted, may have two different places.
  const [moved, movedByLess] = [findMoved(less, more), findSurelyMoved(ancestor, less)];
  return less.every((id) => !moved.has(id) || (inAncestor.has(id) ? !movedByLess.has(id) : side === prefer));
}

/**
 * Adds to a side's list the items that only the other list has, each behind its predecessor there and behind
 * remote's inserts.
 */
function insertRest({ ancestor, ...lists }: Lists, side: Side): Identity[] {
  const other = lists[side === "remote" ? "local" : "remote"];
  const [inAncestor, inOther] = [new Set(ancestor), new Set(other)];
  const merged = createChain(lists[side]);
  const isRemotes = (id: Identity | undefined) =>
    side === "remote" && id !== undefined && !inAncestor.has(id) && !inOther.has(id);
  let before: Identity | undefined;
  for (const id of other) {
    if (!merged.has(id)) {
      while (isRemotes(merged.after(before))) before = merged.after(before);
      merged.insert(before, id);
    }
    before = id;
  }
  return merged.read();
}

function weave({ ancestor, remote, local }: Lists, prefer: Side): MergedOrder {
  // Without an ancestor the other side's list stands in for it: only the preferred side then moved any item.
  const reference = ancestor ?? (prefer === "local" ? remote : local);
  const inAncestor = new Set(ancestor);
  const inReference = new Set(reference);
  const inRemote = new Set(remote);
  const inLocal = new Set(local);
  // An item that one side removed did not move, and gives no reference for items that moved around it.
  const isCommon = (id: Identity) => inReference.has(id) && inRemote.has(id) && inLocal.has(id);
  const common = {
    ancestor: reference.filter(isCommon),
    remote: remote.filter(isCommon),
    local: local.filter(isCommon),
  };
  const combined = combineMoves(common);
  const merged = createChain(combined ?? common[prefer]);
  const movedBy = {
    remote: findMoved(common.ancestor, remote),
    local: findMoved(common.ancestor, local),
  };
  /**
   * Reports whether an item is at the position that the side gave it. Items that the side inserted behind it then
   * stay behind it.
   */
  const standsAsIn = (side: Side, id: Identity) => {
    if (!combined && side === prefer) return true;
    return movedBy[side].has(id) || !movedBy[side === "remote" ? "local" : "remote"].has(id);
  };

  const insertedByBoth = (id: Identity) =>
    ancestor && !inAncestor.has(id) && inRemote.has(id) && inLocal.has(id);
  const insertedByRemote = (id: Identity | undefined) =>
    id !== undefined && !inAncestor.has(id) && !inLocal.has(id);
  const insertAll = (side: Side, isInsert: (id: Identity) => unknown) => {
    const isOvertaken = (next: Identity | undefined) => side === "local" && insertedByRemote(next);
    let before: Identity | undefined;
    for (const id of side === "remote" ? remote : local) {
      if (merged.has(id)) {
        if (standsAsIn(side, id)) before = id;
      } else if (isInsert(id)) {
        while (isOvertaken(merged.after(before))) before = merged.after(before);
        merged.insert(before, id);
        before = id;
      }
    }
  };
  insertAll(prefer, insertedByBoth);
  insertAll("remote", () => true);
  insertAll("local", () => true);
  return { order: merged.read(), overlaps: combined === undefined };
}

/**
 * Combines two orders unless both sides moved an item to different places, or would seem to once the result is
 * merged again.
 */
function combineMoves(orders: Sides<readonly Identity[]>): readonly Identity[] | undefined {
  const combined = moveApart(orders) ? combineOrders(orders) : undefined;
  const isStable =
    combined !== undefined &&
    hasAllChanges({ ...orders, remote: combined }, "remote", "remote") &&
    hasAllChanges({ ...orders, local: combined }, "local", "local");
  return isStable ? combined : undefined;
}

/** Reports whether both orders are compatible: no item that both sides moved was moved to different places. */
function moveApart({ ancestor, remote, local }: Sides<readonly Identity[]>): boolean {
  const [byRemote, byLocal] = [findSurelyMoved(ancestor, remote), findSurelyMoved(ancestor, local)];
  const movedAlike = (id: Identity) => byRemote.has(id) === byLocal.has(id);
  const disagrees = findMoved(remote.filter(movedAlike), local.filter(movedAlike)).size > 0;
  return !disagrees || ![...byLocal].some((id) => byRemote.has(id));
}

/** The items that moved under every reading: of two items that swapped places, either may have moved. */
function findSurelyMoved(from: readonly Identity[], to: readonly Identity[]): Set<Identity> {
  const forwards = findMoved(from.toReversed(), to.toReversed());
  return new Set([...findMoved(from, to)].filter((id) => forwards.has(id)));
}

/** The smallest set of identities that must have moved to turn one order into the other. */
function findMoved(from: readonly Identity[], to: readonly Identity[]): Set<Identity> {
  const positionById = new Map(from.map((id, position) => [id, position]));
  const common = to.filter((id) => positionById.has(id));
  // Read backwards, so that of two items that swapped places the one that moved back counts as moved.
  const positions = common.map((id) => -(positionById.get(id) ?? 0)).toReversed();
  const stayed = new Set(longestIncreasing(positions).map((i) => common[common.length - 1 - i]));
  return new Set(common.filter((id) => !stayed.has(id)));
}

/** A linked list of identities. */
function createChain(ids: readonly Identity[]) {
  /** The successor of each identity; the key `undefined` is the head. */
  const next = new Map<Identity | undefined, Identity>();
  const members = new Set(ids);
  ids.forEach((id, index) => next.set(ids[index - 1], id));
  return {
    has: (id: Identity) => members.has(id),
    after: (id: Identity | undefined) => next.get(id),
    insert: (before: Identity | undefined, id: Identity) => {
      const after = next.get(before);
      next.set(before, id);
      if (after !== undefined) next.set(id, after);
      members.add(id);
    },
    read: () => {
      const order: Identity[] = [];
      for (let id = next.get(undefined); id !== undefined; id = next.get(id)) order.push(id);
      return order;
    },
  };
}
