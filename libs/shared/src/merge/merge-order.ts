import { combineOrders, turnsAsMuch } from "./combine-orders.ts";
import { longestIncreasing } from "./longest-increasing.ts";
import type { EditedSides, Side, Sides } from "./sides.ts";

/** What an item of an array is known by. */
export type Identity = number;

type Lists = EditedSides<readonly Identity[]>;

/** The merged order of every identity of either side, and whether both sides moved an item to different places. */
interface MergedOrder {
  readonly order: Identity[];
  readonly overlaps: boolean;
}

/**
 * Merges the orders of two edited lists of unique identities. Deletions are the caller's to decide.
 *
 * What either side moved stands so; if both moved the same item to different places, the preferred side's order does.
 * What one side inserted stays behind the nearest item before it that the other side left in its place, remote's first.
 * A list that has all changes of the other stands as it is, so that a merged one may be merged again.
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

/** Whether a side's list has all that the other one changed, at the same places. */
function hasAllChanges({ ancestor, remote, local }: Lists, side: Side, prefer: Side): boolean {
  if (!ancestor) return false;
  const [more, less] = side === "remote" ? [remote, local] : [local, remote];
  const [inAncestor, inMore, inLess] = [new Set(ancestor), new Set(more), new Set(less)];
  if (!less.every((id) => inAncestor.has(id) || inMore.has(id))) return false;
  if (!ancestor.every((id) => inLess.has(id) || !inMore.has(id))) return false;
  const isCommon = (id: Identity) => inAncestor.has(id) && inMore.has(id) && inLess.has(id);
  if (!turnsAsMuch(ancestor.filter(isCommon), less.filter(isCommon), more.filter(isCommon))) return false;
  // An item that both moved, or inserted, may stand at different places.
  const [moved, movedByLess] = [findMoved(less, more), findSurelyMoved(ancestor, less)];
  return less.every((id) => !moved.has(id) || (inAncestor.has(id) ? !movedByLess.has(id) : side === prefer));
}

/** A side's list with what only the other one has, each behind what it follows there, and behind remote's inserts. */
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
  // Without an ancestor the side that is not preferred stands in: then only the preferred side moved anything.
  const reference = ancestor ?? (prefer === "local" ? remote : local);
  const inAncestor = new Set(ancestor);
  const inReference = new Set(reference);
  const inRemote = new Set(remote);
  const inLocal = new Set(local);
  // An item that one side removed moved nowhere, and is no measure of what moved around it.
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
  /** Tells whether an item stands where the side left it: items that the side inserted behind it stay behind it. */
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

/** Combines two orders unless both sides moved an item to different places, or would seem to once the result is merged again. */
function combineMoves(orders: Sides<readonly Identity[]>): readonly Identity[] | undefined {
  const combined = moveApart(orders) ? combineOrders(orders) : undefined;
  const isStable =
    combined !== undefined &&
    hasAllChanges({ ...orders, remote: combined }, "remote", "remote") &&
    hasAllChanges({ ...orders, local: combined }, "local", "local");
  return isStable ? combined : undefined;
}

/** Whether both orders may hold: no item that both sides moved was moved to different places. */
function moveApart({ ancestor, remote, local }: Sides<readonly Identity[]>): boolean {
  const [byRemote, byLocal] = [findSurelyMoved(ancestor, remote), findSurelyMoved(ancestor, local)];
  const movedAlike = (id: Identity) => byRemote.has(id) === byLocal.has(id);
  const disagrees = findMoved(remote.filter(movedAlike), local.filter(movedAlike)).size > 0;
  return !disagrees || ![...byLocal].some((id) => byRemote.has(id));
}

/** Those that moved, however it is read: of two that changed places either may have. */
function findSurelyMoved(from: readonly Identity[], to: readonly Identity[]): Set<Identity> {
  const forwards = findMoved(from.toReversed(), to.toReversed());
  return new Set([...findMoved(from, to)].filter((id) => forwards.has(id)));
}

/** The fewest identities that must have moved to turn one order into the other. */
function findMoved(from: readonly Identity[], to: readonly Identity[]): Set<Identity> {
  const positionById = new Map(from.map((id, position) => [id, position]));
  const common = to.filter((id) => positionById.has(id));
  // Read backwards, so that of two items that changed places the one that went back counts as moved.
  const positions = common.map((id) => -(positionById.get(id) ?? 0)).toReversed();
  const stayed = new Set(longestIncreasing(positions).map((i) => common[common.length - 1 - i]));
  return new Set(common.filter((id) => !stayed.has(id)));
}

/** A linked list of identities. */
function createChain(ids: readonly Identity[]) {
  /** What stands behind each; `undefined` is the head. */
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
