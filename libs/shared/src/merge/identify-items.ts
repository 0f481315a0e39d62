import { isJsonObject, type Json } from "../document/json.ts";
import { pairChanged } from "./align-items.ts";
import type { Intern } from "./interner.ts";
import { longestIncreasing } from "./longest-increasing.ts";
import type { Identity } from "./merge-order.ts";
import type { EditedSides } from "./sides.ts";

type Lists = EditedSides<readonly Json[]>;

/** The identities of the items of three arrays: an item has the same identity wherever it stands, and occurs once. */
export interface ItemIdentities extends EditedSides<readonly Identity[]> {
  /** Identities of items that were recognised only by the properties they still share. */
  readonly guessed: ReadonlySet<Identity>;
}

/** The identities of a list while they are being found; -1 for an item without one yet. */
type Marks = EditedSides<Identity[]>;

const UNKNOWN = -1;

/**
 * Finds the identities of the items of arrays.
 *
 * The first of the given keys that every item has on every side, each with a unique value, identifies all items.
 * Otherwise the key that finds most of the ancestor's items again is used, repeatedly: a given key among the items
 * that have it, or any key that all remaining items have. Items without such a key are identified by their content.
 *
 * @param byContent - if no key identifies any item: true identifies items by content, false returns `undefined`
 */
export function identifyItems(
  lists: Lists,
  keys: readonly string[],
  intern: Intern,
  byContent: boolean,
): ItemIdentities | undefined {
  const marks: Marks = {
    ancestor: lists.ancestor?.map(() => UNKNOWN),
    remote: lists.remote.map(() => UNKNOWN),
    local: lists.local.map(() => UNKNOWN),
  };
  let count = 0;
  const take = () => count++;
  /** Identities by a given key: another value under it means another item. */
  const given = new Set<Identity>();
  const whole = keys.find((key) => indexRest(lists, marks, key, true));
  const tried = new Set<string>();
  for (let key = whole ?? findKey(lists, marks, keys); key !== undefined; key = findKey(lists, marks, keys)) {
    if (tried.has(key)) break;
    tried.add(key);
    const isGiven = keys.includes(key);
    markByKey(lists, marks, key, () => {
      if (isGiven) given.add(count);
      return take();
    });
  }
  if (tried.size === 0 && !byContent) return undefined;
  markByContent(lists, marks, intern, take);
  const guessed =
    lists.ancestor && marks.ancestor
      ? markChanged({ ...lists, ancestor: lists.ancestor }, { ...marks, ancestor: marks.ancestor }, given)
      : [];
  return { ...marks, guessed: new Set(guessed) };
}

type Index = ReadonlyMap<Json, number>;

/** Indexes the items without identity by their value under a key. A value that several items share is left out. */
function indexByKey(
  items: readonly Json[],
  marks: readonly Identity[],
  key: string,
  all: boolean,
): Index | undefined {
  const indexByValue = new Map<Json, number>();
  const shared: Json[] = [];
  for (const [index, item] of items.entries()) {
    if (marks[index] !== UNKNOWN) continue;
    const value = isJsonObject(item) && Object.hasOwn(item, key) ? item[key] : undefined;
    const isIdentity = typeof value === "string" || typeof value === "number";
    if (all && (!isIdentity || indexByValue.has(value))) return undefined;
    if (!isIdentity) continue;
    if (indexByValue.has(value)) shared.push(value);
    indexByValue.set(value, index);
  }
  for (const value of shared) indexByValue.delete(value);
  return indexByValue;
}

/** Indexes all three lists. Returns `undefined` if all items must have the key, and one lacks it. */
function indexRest(lists: Lists, marks: Marks, key: string, all: boolean): EditedSides<Index> | undefined {
  const remote = indexByKey(lists.remote, marks.remote, key, all);
  const local = remote && indexByKey(lists.local, marks.local, key, all);
  const ancestor = local && lists.ancestor && indexByKey(lists.ancestor, marks.ancestor ?? [], key, all);
  return remote && local && (ancestor || !lists.ancestor) ? { ancestor, remote, local } : undefined;
}

/** The key that finds most items again; given keys win ties. */
function findKey(lists: Lists, marks: Marks, keys: readonly string[]): string | undefined {
  let best: string | undefined;
  let mostFound = 0;
  const offer = (key: string, found: number) => {
    if (found <= mostFound) return;
    mostFound = found;
    best = key;
  };
  for (const key of keys) {
    const index = indexRest(lists, marks, key, false);
    if (index) offer(key, countFound(index));
  }
  const rest = lists.remote[marks.remote.indexOf(UNKNOWN)];
  if (!isJsonObject(rest)) return best;
  const inferred = Object.keys(rest).flatMap((key) => {
    const index = indexRest(lists, marks, key, true);
    return index
      ? [{ key, index, ofNumbers: [...index.remote.keys()].some((value) => typeof value === "number") }]
      : [];
  });
  // One item alone does not show which key distinguishes items; the first text is used then.
  const texts = inferred.filter(({ index, ofNumbers }) => !ofNumbers && countFound(index) > 0);
  if (inferred.every(({ index }) => (index.ancestor?.size || index.remote.size) < 2)) {
    const [first] = texts;
    if (first) offer(first.key, countFound(first.index));
    return best;
  }
  for (const { key, index } of texts) offer(key, countFound(index));
  for (const { key, index, ofNumbers } of inferred)
    if (ofNumbers && findsHalf(index)) offer(key, countFound(index));
  return best;
}

/** Counts the ancestor's items that the sides still have, and without an ancestor the items that both have. */
function countFound({ ancestor: before, remote, local }: EditedSides<Index>): number {
  const ancestor = before?.size === 0 ? undefined : before;
  let found = 0;
  for (const value of remote.keys()) if (ancestor?.has(value) ?? local.has(value)) found++;
  for (const value of local.keys()) if (ancestor?.has(value)) found++;
  return found;
}

/** True if at least half of the items are found again on both sides. Numbers are more often measures than names. */
function findsHalf({ ancestor, remote, local }: EditedSides<Index>): boolean {
  const shareOf = (from: Index, to: Index) =>
    [...from.keys()].filter((value) => to.has(value)).length / Math.max(1, Math.min(from.size, to.size));
  return ancestor
    ? shareOf(ancestor, remote) >= 0.5 && shareOf(ancestor, local) >= 0.5
    : shareOf(remote, local) >= 0.5;
}

function markByKey(lists: Lists, marks: Marks, key: string, take: () => Identity): void {
  const index = indexRest(lists, marks, key, false);
  const idByValue = new Map<Json, Identity>();
  for (const side of ["ancestor", "remote", "local"] as const) {
    for (const [value, at] of index?.[side] ?? []) {
      const id = idByValue.get(value) ?? take();
      idByValue.set(value, id);
      const ofSide = marks[side];
      if (ofSide) ofSide[at] = id;
    }
  }
}

/** Marks items by content: the n-th of several equal items is the same item in every list. */
function markByContent(lists: Lists, marks: Marks, intern: Intern, take: () => Identity): void {
  const idsByContent = new Map<number, Identity[]>();
  for (const side of ["ancestor", "remote", "local"] as const) {
    const seen = new Map<number, number>();
    const ofSide = marks[side];
    lists[side]?.forEach((item, index) => {
      if (ofSide?.[index] !== UNKNOWN) return;
      const content = intern(item);
      const ids = idsByContent.get(content) ?? [];
      const nth = seen.get(content) ?? 0;
      seen.set(content, nth + 1);
      const id = ids[nth] ?? take();
      ids[nth] = id;
      idsByContent.set(content, ids);
      ofSide[index] = id;
    });
  }
}

/**
 * Transfers the identities of items that both sides lost to their successors: a new item between the same
 * neighbours that still has much in common with the old one. An item that the other side still has is skipped,
 * because its successor would be mixed with it.
 *
 * @returns the transferred identities
 */
function markChanged(
  lists: { readonly [Side in keyof Lists]: readonly Json[] },
  marks: { readonly [Side in keyof Marks]: Identity[] },
  given: ReadonlySet<Identity>,
): Identity[] {
  const [known, inRemote, inLocal] = [new Set(marks.ancestor), new Set(marks.remote), new Set(marks.local)];
  const isGone = (id: Identity) => !inRemote.has(id) && !inLocal.has(id) && !given.has(id);
  if (!marks.ancestor.some(isGone)) return [];
  const found: { side: "remote" | "local"; at: number; id: Identity; isObject: boolean }[] = [];
  for (const side of ["remote", "local"] as const) {
    const [inSide, inOther] = side === "remote" ? [inRemote, inLocal] : [inLocal, inRemote];
    const ofSide = marks[side];
    for (const { from, to } of listGaps(marks.ancestor, ofSide)) {
      // All items that the side replaced take part in the pairing, so that no item is paired across another.
      const gone = from.filter((index) => !inSide.has(marks.ancestor[index] ?? UNKNOWN));
      const fresh = to.filter((index) => !known.has(ofSide[index] ?? UNKNOWN));
      const itemsAt = (items: readonly Json[], indices: number[]) =>
        indices.map((index) => items[index] ?? null);
      for (const [i, j] of pairChanged(itemsAt(lists.ancestor, gone), itemsAt(lists[side], fresh))) {
        const at = fresh[j] ?? 0;
        const [id, newId] = [marks.ancestor[gone[i] ?? 0] ?? UNKNOWN, ofSide[at] ?? UNKNOWN];
        if (!isGone(id) || inOther.has(newId) || given.has(newId)) continue;
        found.push({ side, at, id, isObject: isJsonObject(lists[side][at] ?? null) });
      }
    }
  }
  // A value other than an object that one side replaced, and the other removed, has no successor.
  const seen = new Set<Identity>();
  const onBoth = new Set<Identity>();
  for (const { id } of found) (seen.has(id) ? onBoth : seen).add(id);
  const became = found.filter(({ id, isObject }) => isObject || onBoth.has(id));
  for (const { side, at, id } of became) marks[side][at] = id;
  return became.map(({ id }) => id);
}

/** The indices of two lists between the items that both have in the same order. */
function listGaps(from: readonly Identity[], to: readonly Identity[]): { from: number[]; to: number[] }[] {
  const indexInTo = new Map(to.map((id, index) => [id, index]));
  const common = from.flatMap((id, index) => {
    const at = indexInTo.get(id);
    return at === undefined ? [] : [{ index, at }];
  });
  const kept = longestIncreasing(common.map(({ at }) => at)).flatMap((member) => common[member] ?? []);
  let [fromStart, toStart] = [0, 0];
  return [...kept, { index: from.length, at: to.length }].map(({ index, at }) => {
    const gap = { from: range(fromStart, index), to: range(toStart, at) };
    [fromStart, toStart] = [index + 1, at + 1];
    return gap;
  });
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, offset) => start + offset);
}
