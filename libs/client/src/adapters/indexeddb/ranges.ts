import type { Key, KeyRange } from "../../ports/index.ts";

// IndexedDB compares arrays part by part: numbers precede strings, and strings precede arrays. So an empty array as a
// part follows all parts of our keys.
const AFTER_PARTS: IDBValidKey = [];
const BEFORE_PARTS = -Infinity;

/** The range for IndexedDB; `undefined` if it holds no key, for which IndexedDB has no range. */
export function boundsOf({ prefix, from, to, fromOpen, toOpen }: KeyRange): IDBKeyRange | undefined {
  const lower: IDBValidKey[] = [...prefix];
  if (from !== undefined) lower.push(from);
  else if (to !== undefined) lower.push(BEFORE_PARTS);
  if (from !== undefined && fromOpen === true) lower.push(AFTER_PARTS);
  const upper: IDBValidKey[] = [...prefix];
  if (to !== undefined) upper.push(to);
  if (to === undefined || toOpen !== true) upper.push(AFTER_PARTS);
  return indexedDB.cmp(lower, upper) < 0 ? IDBKeyRange.bound(lower, upper, false, true) : undefined;
}

/** A key as a row holds it: an array of its own, without -0, which is 0. */
export const storedKey = (key: Key): (string | number)[] => key.map((part) => (part === 0 ? 0 : part));
