import { isJsonObject, type Json, type JsonObject } from "../../libs/shared/src/json/json.ts";
import { jsonEqual } from "../../libs/shared/src/json/json-equal.ts";
import { canonicalJson } from "../../libs/shared/src/merge/canonical-json.ts";
import type { RealMerge } from "./real-merge.ts";

/**
 * How close the two sides came to each other, told from the documents alone and so alike for every contender:
 * `apart`: no place changed on both sides; `same array`: they changed an array, or several, and nothing else, both;
 * `same value`: they gave one place different values.
 */
export type Closeness = "apart" | "same array" | "same value";

type Slot = Json | undefined;

/** Tells how close the sides of a merge came. */
export function judgeCloseness({ base, remote, local }: RealMerge): Closeness {
  let arrays = 0;
  let values = 0;
  walkClashes(base, remote, local, ([before, a, b]) => {
    if (Array.isArray(a) && Array.isArray(b) && (before === undefined || Array.isArray(before))) arrays++;
    else values++;
  });
  if (values > 0) return "same value";
  return arrays > 0 ? "same array" : "apart";
}

/** Calls for each place that both sides changed, differently; objects are gone into, arrays are one place. */
function walkClashes(
  base: Slot,
  remote: Slot,
  local: Slot,
  found: (sides: [Slot, Slot, Slot]) => void,
): void {
  if (equal(remote, local) || equal(base, local) || equal(base, remote)) return;
  if (!isJsonObject(remote) || !isJsonObject(local) || (base !== undefined && !isJsonObject(base))) {
    found([base, remote, local]);
    return;
  }
  for (const key of keysOf(base, remote, local)) {
    walkClashes(readOwn(base, key), readOwn(remote, key), readOwn(local, key), found);
  }
}

/**
 * Counts what one side alone did and the result does not show: a place that has not the value of the side that changed
 * it, or a scalar that one side put into an array and that is nowhere in the result's.
 */
export function countEditsLost({ base, remote, local }: RealMerge, merged: Slot): number {
  return countLost(base, remote, local, merged);
}

function countLost(base: Slot, remote: Slot, local: Slot, merged: Slot): number {
  if (equal(remote, local) || equal(base, local)) return equal(merged, remote) ? 0 : 1;
  if (equal(base, remote)) return equal(merged, local) ? 0 : 1;
  if (Array.isArray(remote) && Array.isArray(local)) {
    return Array.isArray(merged) ? countItemsLost(Array.isArray(base) ? base : [], remote, local, merged) : 1;
  }
  if (!isJsonObject(remote) || !isJsonObject(local)) return 0;
  if (!isJsonObject(merged)) return 1;
  const before = isJsonObject(base) ? base : {};
  let lost = 0;
  for (const key of keysOf(before, remote, local)) {
    lost += countLost(readOwn(before, key), readOwn(remote, key), readOwn(local, key), readOwn(merged, key));
  }
  return lost;
}

function countItemsLost(base: Json[], remote: Json[], local: Json[], merged: Json[]): number {
  const textsOf = (items: Json[]) => new Set(items.filter(isScalar).map(canonicalJson));
  const [before, after] = [textsOf(base), textsOf(merged)];
  const added = new Set([...textsOf(remote), ...textsOf(local)]);
  return [...added].filter((text) => !before.has(text) && !after.has(text)).length;
}

function isScalar(value: Json): boolean {
  return typeof value !== "object" || value === null;
}

function equal(a: Slot, b: Slot): boolean {
  return a === b || (a !== undefined && b !== undefined && jsonEqual(a, b));
}

function keysOf(...objects: (JsonObject | undefined)[]): Set<string> {
  return new Set(objects.flatMap((object) => Object.keys(object ?? {})));
}

function readOwn(object: JsonObject | undefined, key: string): Slot {
  return object && Object.hasOwn(object, key) ? object[key] : undefined;
}
