import { isJsonObject, type Json } from "../document/json.ts";
import type { Side } from "./sides.ts";

/** The items of a merged array, and for each the only side that inserted it, if any. */
export interface MergedItems {
  readonly items: Json[];
  readonly origins: (Side | undefined)[];
}

/**
 * The number of items on either side of inserts that show how an array is sorted. Items that only one side inserted
 * are not counted.
 */
const NEIGHBOURS = 4;
/** The most keys of items that are tried. */
const KEYS_MAX = 16;
/** The most characters of a text that affect its order. */
const TEXT_MAX = 100;

type Compare = (a: Json, b: Json) => number;

/**
 * Sorts both sides' inserts at one place together, if each side's inserts are sorted with the items around them: by
 * their values, or by any key of objects. Otherwise they keep their order, remote's first.
 */
export function sortInserts({ items, origins }: MergedItems): Json[] {
  const shared = items.map((_, index) => index).filter((index) => origins[index] === undefined);
  let sharedBefore = 0;
  for (let start = 0; start < items.length; start++) {
    if (origins[start] === undefined) {
      sharedBefore++;
      continue;
    }
    let end = start;
    while (end < items.length && origins[end] !== undefined) end++;
    const isOf = (side: Side) => (_: Json, index: number) => origins[start + index] === side;
    const inserted = items.slice(start, end);
    const remote = inserted.filter(isOf("remote"));
    const local = inserted.filter(isOf("local"));
    if (remote.length > 0 && local.length > 0) {
      const neighbours = (from: number, to: number) =>
        shared.slice(Math.max(0, from), to).map((index) => items[index] ?? null);
      const before = neighbours(sharedBefore - NEIGHBOURS, sharedBefore);
      const after = neighbours(sharedBefore, sharedBefore + NEIGHBOURS);
      const compare = findOrder([
        [...before, ...remote, ...after],
        [...before, ...local, ...after],
      ]);
      if (compare)
        [...remote, ...local].sort(compare).forEach((item, index) => (items[start + index] = item));
    }
    start = end - 1;
  }
  return items;
}

/** Finds an order in which all lists are sorted, and at least two items of each differ. */
function findOrder(lists: readonly (readonly Json[])[]): Compare | undefined {
  for (const read of listReadings(lists)) {
    for (const collate of COLLATIONS) {
      const ranks = (item: Json) => collate(read(item));
      for (const direction of [1, -1]) {
        const compare: Compare = (a, b) => direction * compareRanks(ranks(a), ranks(b));
        if (lists.every((list) => isSorted(list, compare))) return compare;
      }
    }
  }
  return undefined;
}

type Read = (item: Json) => Json | undefined;

function listReadings(lists: readonly (readonly Json[])[]): Read[] {
  const [first] = lists[0] ?? [];
  if (!isJsonObject(first)) return [(item) => item];
  const keys = Object.keys(first).slice(0, KEYS_MAX);
  return keys.map(
    (key) => (item) => (isJsonObject(item) && Object.hasOwn(item, key) ? item[key] : undefined),
  );
}

type Rank = number | string | undefined;

/** Numbers by size; texts by code units, by letters, or by letters and the size of the numbers in them. */
const COLLATIONS: readonly ((value: Json | undefined) => Rank)[] = [
  (value) => (typeof value === "string" ? value : typeof value === "number" ? value : undefined),
  (value) => (typeof value === "string" ? foldLetters(value) : undefined),
  (value) =>
    typeof value === "string"
      ? foldLetters(value).replace(/\d+/g, (digits) => digits.padStart(TEXT_MAX, "0"))
      : undefined,
];

function foldLetters(text: string): string {
  return text.slice(0, TEXT_MAX).normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Returns the difference in order; NaN unless both ranks are numbers, or both are texts. */
function compareRanks(a: Rank, b: Rank): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== "string" || typeof b !== "string") return NaN;
  return a < b ? -1 : a > b ? 1 : 0;
}

function isSorted(list: readonly Json[], compare: Compare): boolean {
  let differs = false;
  for (let index = 1; index < list.length; index++) {
    const order = compare(list[index - 1] ?? null, list[index] ?? null);
    if (!(order <= 0)) return false;
    if (order < 0) differs = true;
  }
  return differs;
}
