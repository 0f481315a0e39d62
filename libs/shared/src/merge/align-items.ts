import { jsonEqual } from "../document/json-equal.ts";
import { isJsonObject, type Json, type JsonObject } from "../document/json.ts";

/** Bounds the pairing of changed items, whose time grows with the product of the run's two lengths. */
const PAIRS_MAX = 2_500;

/** The least share of common properties at which an object is still taken for the one it was. */
const LIKENESS_MIN = 0.5;

/**
 * Matches changed items of two arrays that are still recognisable, between the equal items that are matched
 * already.
 *
 * @param equal - for each index of `from` the index in `to`, or -1; the indices ascend.
 * @returns `equal` extended by the changed items.
 */
export function alignChanged(equal: Int32Array, from: readonly Json[], to: readonly Json[]): Int32Array {
  const matches = equal.slice();
  let toStart = 0;
  for (let start = 0; start < matches.length;) {
    const match = matches[start] ?? -1;
    if (match >= 0) {
      toStart = match + 1;
      start++;
      continue;
    }
    let end = start;
    while (end < matches.length && (matches[end] ?? -1) < 0) end++;
    const toEnd = matches[end] ?? to.length;
    for (const [i, j] of pairChanged(from.slice(start, end), to.slice(toStart, toEnd))) {
      matches[start + i] = toStart + j;
    }
    start = end;
  }
  return matches;
}

/** Pairs the items of a rewritten run: by likeness, or by index if the run kept its length and no pair is unlike. */
export function pairChanged(from: readonly Json[], to: readonly Json[]): [number, number][] {
  if (from.length === 0 || to.length === 0) return [];
  if (from.length === to.length && from.every((item, index) => mayBecome(item, to[index]))) {
    return from.map((_, index) => [index, index]);
  }
  if (from.length * to.length > PAIRS_MAX) return [];
  return pairByLikeness(from, to);
}

/** Reports whether an object may have become another one. Scalars and arrays have no keys to recognise them by. */
function mayBecome(from: Json, to: Json | undefined): boolean {
  return isJsonObject(from) && isJsonObject(to)
    ? likeness(from, to) >= LIKENESS_MIN
    : !isJsonObject(from) && !isJsonObject(to);
}

/** The in-order pairing of objects with the greatest total likeness. */
function pairByLikeness(from: readonly Json[], to: readonly Json[]): [number, number][] {
  const width = to.length + 1;
  const likenessAt = (i: number, j: number) => {
    const a = from[i];
    const b = to[j];
    const score = isJsonObject(a) && isJsonObject(b) ? likeness(a, b) : 0;
    return score >= LIKENESS_MIN ? score : 0;
  };
  const best = new Float64Array((from.length + 1) * width);
  const bestAt = (i: number, j: number) => best[i * width + j] ?? 0;
  for (let i = from.length - 1; i >= 0; i--) {
    for (let j = to.length - 1; j >= 0; j--) {
      best[i * width + j] = Math.max(
        bestAt(i + 1, j),
        bestAt(i, j + 1),
        bestAt(i + 1, j + 1) + likenessAt(i, j),
      );
    }
  }
  const pairs: [number, number][] = [];
  for (let i = 0, j = 0; i < from.length && j < to.length;) {
    if (bestAt(i, j) === bestAt(i + 1, j)) i++;
    else if (bestAt(i, j) === bestAt(i, j + 1)) j++;
    else pairs.push([i++, j++]);
  }
  return pairs;
}

/** The share of properties that two objects have in common, 0 to 1. */
function likeness(a: JsonObject, b: JsonObject): number {
  const keys = Object.keys(a);
  const same = keys.filter(
    (key) => Object.hasOwn(b, key) && jsonEqual(a[key] ?? null, b[key] ?? null),
  ).length;
  return same / Math.max(keys.length, Object.keys(b).length, 1);
}
