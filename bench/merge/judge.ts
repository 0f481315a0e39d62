import { isJsonObject, type Json, type JsonObject } from "../../libs/shared/src/document/json.ts";
import { jsonEqual } from "../../libs/shared/src/document/json-equal.ts";
import { canonicalJson } from "../../libs/shared/src/document/canonical-json.ts";
import type { RealMerge } from "./real-merge.ts";

/**
 * The overlap of the two sides, derived from the documents alone and so equal for every contender: `apart`: no place
 * changed on both sides; `same array`: both changed one or several arrays, and no other place; `same value`: they gave
 * one place different values.
 */
export type Closeness = "apart" | "same array" | "same value";

type Slot = Json | undefined;

/** Classifies the overlap of a merge's two sides. */
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

/** Calls back for each place that both sides changed differently; it descends into objects, an array is one place. */
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
 * Counts one side's changes that the result lacks: a place without the value of the only side that changed it, or a
 * scalar that one side added to an array and that the result's array does not contain.
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
